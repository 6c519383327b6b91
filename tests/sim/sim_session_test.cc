#include "sim/sim_session.h"

#include <gtest/gtest.h>

namespace tidegate::sim {
namespace {

class Marks final : public Witness {
 public:
  void executed(const std::string& tag) override { ran.push_back(tag); }
  void committed(const std::string& mark) override { kept.push_back(mark); }
  std::vector<std::string> ran;
  std::vector<std::string> kept;
};

class SimSessionTest : public testing::Test {
 protected:
  // The types of all replies, as one word.
  std::string say(const Messages& messages) {
    Messages replies;
    for (const auto& message : messages) session_.take(message, replies, &marks_);
    std::string types;
    for (const auto& reply : replies) types += reply.type;
    last_ = replies;
    return types;
  }
  std::string ask(std::string_view sql) { return say({query(sql)}); }
  std::string error() const {
    for (const auto& message : last_) {
      if (message.type == 'E') return error_field(message, 'C');
    }
    return "";
  }

  SimSession session_{"ann", "shop"};
  Marks marks_;
  Messages last_;
  const Message sync_{'S', {}};
};

TEST_F(SimSessionTest, SelectTellsWhoAsked) {
  EXPECT_EQ(ask("SELECT 'tag:1.1:1'"), "TDCZ");
  EXPECT_NE(last_[1].body.find("tag:1.1:1|ann/shop|"), std::string::npos);
}

TEST_F(SimSessionTest, RollbackUndoesMarksAndSettings) {
  ask("BEGIN");
  ask("INSERT INTO effects VALUES ('tag:1.1:1')");
  EXPECT_EQ(ask("SET TimeZone TO 'Asia/Tokyo'"), "CSZ");
  EXPECT_EQ(ask("ROLLBACK"), "CSZ");
  EXPECT_TRUE(marks_.kept.empty());
  EXPECT_EQ(session_.settings().get(*SimSettings::index_of("timezone")), "Etc/UTC");
}

TEST_F(SimSessionTest, FailedTransactionRefusesUntilItsEnd) {
  ask("BEGIN");
  ask("SELECT 1/0, 'tag:1.1:1'");
  EXPECT_EQ(session_.status(), 'E');
  ask("SELECT 'tag:1.1:2'");
  EXPECT_EQ(error(), "25P02");
  ask("COMMIT");
  EXPECT_EQ(last_[0].body, std::string("ROLLBACK\0", 9));
  EXPECT_EQ(session_.status(), 'I');
}

TEST_F(SimSessionTest, ErrorInBatchSkipsToSyncAndUndoesTheBatch) {
  EXPECT_EQ(say({parse("", "INSERT INTO effects VALUES ('tag:1.1:1')"), bind("", "", {}),
                 execute("", 0), bind("", "nobody", {}), execute("", 0), sync_}),
            "12CEZ");
  EXPECT_EQ(error(), "26000");
  EXPECT_TRUE(marks_.kept.empty());
}

TEST_F(SimSessionTest, SimpleQueryInsideTheSkippedRangeOwesNothing) {
  EXPECT_EQ(say({bind("", "nobody", {}), query("SELECT 'tag:1.1:1'"), sync_}), "EZ");
}

TEST_F(SimSessionTest, PortalIsReadInParts) {
  const auto made =
      say({parse("", "SELECT 'tag:1.1:1' FROM generate_series(1, 5)"), bind("c", "", {}),
           execute("c", 2), execute("c", 2), execute("c", 2), sync_});
  EXPECT_EQ(made, "12DDsDDsDCZ");
  EXPECT_EQ(marks_.ran.size(), 1u);
}

TEST_F(SimSessionTest, CopyInIgnoresSyncAndFlush) {
  EXPECT_EQ(say({parse("", "COPY effects FROM STDIN /* 'tag:1.1:1' */"),
                 bind("", "", {}),
                 execute("", 0),
                 sync_,
                 {'d', "row\n"},
                 {'H', {}},
                 {'c', {}},
                 sync_}),
            "12GCZ");
  EXPECT_EQ(marks_.kept.size(), 1u);
}

TEST_F(SimSessionTest, CopyFailLeavesNothing) {
  EXPECT_EQ(say({query("COPY effects FROM STDIN /* 'tag:1.1:1' */"),
                 {'d', "row\n"},
                 {'f', Body().string("no")}}),
            "GEZ");
  EXPECT_TRUE(marks_.kept.empty());
}

TEST_F(SimSessionTest, DuplicateAndUnknownNames) {
  say({parse("p", "SELECT 'tag:shared:1', $1"), sync_});
  say({parse("p", "SELECT 'tag:shared:1', $1"), sync_});
  EXPECT_EQ(error(), "42P05");
  EXPECT_EQ(say({close_message('S', "unknown"), sync_}), "3Z");
  EXPECT_EQ(say({describe('S', "p"), sync_}), "tTZ");
}

// As seen with PostgreSQL 15: the old one is dropped before the new one is read.
TEST_F(SimSessionTest, FailedParseTakesTheUnnamedStatementAway) {
  say({parse("", "SELECT 'tag:1.1:1'"), sync_});
  say({parse("", "SELEC"), sync_});
  say({bind("", "", {}), execute("", 0), sync_});
  EXPECT_EQ(error(), "26000");
}

TEST_F(SimSessionTest, RefusedParseInAFailedTransactionTakesTheUnnamedStatementAway) {
  ask("BEGIN");
  say({parse("", "SELECT 'tag:1.1:1'"), sync_});
  say({bind("", "unknown", {}), sync_});
  say({parse("", "SELECT 'tag:1.1:2'"), sync_});
  EXPECT_EQ(error(), "25P02");
  say({bind("", "", {}), execute("", 0), sync_});
  EXPECT_EQ(error(), "26000");
}

TEST_F(SimSessionTest, CancelFailsTheStatementThatRuns) {
  Messages ignored;
  session_.cancel(ignored);
  EXPECT_EQ(ask("SELECT 'tag:1.1:1', pg_sleep(1)"), "EZ");
  EXPECT_EQ(error(), "57014");
  EXPECT_EQ(ask("SELECT 'tag:1.1:2'"), "TDCZ");
}

TEST_F(SimSessionTest, CancelOfASkippedMessageIsForgotten) {
  say({bind("", "unknown", {})});
  Messages ignored;
  session_.cancel(ignored);
  EXPECT_EQ(say({execute("", 0), sync_}), "Z");
  EXPECT_EQ(ask("SELECT 'tag:1.1:1'"), "TDCZ");
}

TEST_F(SimSessionTest, SimpleQueryIsOverWhenItsCopyIsCancelled) {
  ask("COPY effects FROM STDIN /* 'tag:1.1:1' */");
  Messages replies;
  session_.cancel(replies);
  EXPECT_EQ(replies.size(), 2u);
  EXPECT_EQ(ask("SELECT 'tag:1.1:2'"), "TDCZ");
}

TEST_F(SimSessionTest, SetConfigAnswersWithTheCanonicalValues) {
  EXPECT_EQ(ask("SELECT pg_catalog.set_config('client_encoding', 'utf-8', false), "
                "pg_catalog.set_config('timezone', 'It''s here', false)"),
            "TDCSZ");
  EXPECT_NE(last_[1].body.find("UTF8"), std::string::npos);
  EXPECT_NE(last_[1].body.find("It's here"), std::string::npos);
}

TEST_F(SimSessionTest, SetLocalEndsWithTheTransaction) {
  ask("BEGIN");
  EXPECT_EQ(ask("SET LOCAL TimeZone TO 'America/Lima'"), "CSZ");
  EXPECT_EQ(ask("COMMIT"), "CSZ");
  EXPECT_EQ(session_.settings().get(*SimSettings::index_of("TimeZone")), "Etc/UTC");
}

}  // namespace
}  // namespace tidegate::sim
