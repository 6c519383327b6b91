#include "postgres/insertions.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

TEST(Insertions, StandBehindTheirStatements) {
  Insertions insertions;
  EXPECT_EQ(insertions.insert("RESET a; SELECT 1; RESET ALL -- end", {}, true,
                              {{1, {"SET a TO '1'"}}, {3, {"SET a TO '1'", "SET b TO '2'"}}}),
            "RESET a;SET a TO '1'; SELECT 1; RESET ALL -- end\n;SET a TO '1';SET b TO '2';");
}

TEST(Insertions, AreCountedByTheirCompletions) {
  Insertions insertions;
  insertions.insert("RESET a; SELECT 1; RESET ALL", {}, true,
                    {{1, {"SET a TO '1'"}}, {3, {"SET a TO '1'", "SET b TO '2'"}}});
  std::string ours;
  for (int i = 0; i < 6; ++i) {
    ours += insertions.runs() ? '+' : '-';
    insertions.statement_completed();
  }
  EXPECT_EQ(ours, "-+--++");
}

TEST(Insertions, DoNotMovePositions) {
  Insertions insertions;
  const std::string_view text = "RESET é; SELEC 1";
  const auto sent = insertions.insert(text, {}, true, {{1, {"SET a TO 'é'"}}});
  EXPECT_EQ(insertions.original_position(7), 7u);
  // In letters: of two bytes before it in the text, and another two in what was inserted.
  EXPECT_EQ(insertions.original_position(sent.find("SELEC") + 1 - 2), text.find("SELEC") + 1 - 1);
}

TEST(Insertions, RewriteWhatPoints) {
  Insertions insertions;
  insertions.insert("RESET a; SELEC 1", {}, true, {{1, {"SET a TO '1'"}}});
  const std::string_view body("SERROR\0C42601\0P23\0R\0\0", 21);
  ByteBuffer out;
  ASSERT_TRUE(write_repositioned(out, 'N', as_bytes(body), insertions));
  EXPECT_EQ(as_text(out).front(), 'N');
  EXPECT_EQ(as_text(out).substr(5), std::string_view("SERROR\0C42601\0P10\0R\0\0", 21));
  EXPECT_FALSE(write_repositioned(out, 'N', as_bytes(body.substr(0, 14)), insertions));
  EXPECT_FALSE(
      write_repositioned(out, 'N', as_bytes(std::string_view("SERROR\0\0", 8)), insertions));
}

}  // namespace
}  // namespace tidegate::postgres
