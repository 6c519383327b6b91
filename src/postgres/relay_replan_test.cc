// A statement that a server holds in vain: a table changed under it, or a block that nobody could
// see into deallocated it. Where nothing was answered yet it is run again unseen, in the shape that
// the client sent; elsewhere the client reads PostgreSQL's error, once. So does one that does not
// ask what the rows look like: it may have been told before, and would read others as those.
#include <algorithm>

#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

struct Shape {
  const char* name;
  std::string requests;
  std::string healthy;       // what it is answered with
  std::string stale = "";    // at first, when the table was changed; empty: as when healthy
  std::string missing = "";  // at first, when the statements are gone; empty: as when healthy
  bool told = false;         // what rows look like, and reads the error until it prepares anew
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.name;
}

const std::string kBind = binding("", "s", "v");

// With a format for each of two columns.
std::string binding_columns() {
  const auto formats = std::string("\0\2\0\0\0\0", 6);
  return frame('B', kBind.substr(5, kBind.size() - 7) + formats);
}

const Shape kShapes[] = {
    {"BindAlone", kBind + sync(), "2Z[I]"},
    {"Described", kBind + describe('P', "") + sync(), "2TZ[I]"},
    {"Executed", kBind + execute() + sync(), "2D[v]C[SELECT 1]Z[I]", "E[0A000]Z[I]"},
    {"DescribedAndExecuted", kBind + describe('P', "") + execute() + sync(),
     "2TD[v]C[SELECT 1]Z[I]"},
    {"WithAFormatForEachColumn", binding_columns() + describe('P', "") + execute() + sync(),
     "2TD[v]C[SELECT 1]Z[I]", "E[0A000]Z[I]"},
    {"DescribedTwice", kBind + describe('P', "") + describe('P', "") + execute() + sync(),
     "2TTD[v]C[SELECT 1]Z[I]"},
    {"ExecutedTwice", kBind + execute() + execute() + sync(), "2D[v]C[SELECT 1]D[v]C[SELECT 1]Z[I]",
     "E[0A000]Z[I]"},
    {"ReadInParts", kBind + execute("", 1) + execute() + sync(), "2D[v]sD[v]C[SELECT 1]Z[I]",
     "E[0A000]Z[I]"},
    {"ManyParts",
     kBind + describe('P', "") + execute("", 1) + execute() + execute() + execute() + sync(),
     "2TD[v]sD[v]C[SELECT 1]D[v]C[SELECT 1]D[v]C[SELECT 1]Z[I]"},
    {"NamedPortal", binding("p", "s", "v") + execute("p") + sync(), "2D[v]C[SELECT 1]Z[I]",
     "E[0A000]Z[I]"},
    {"FlushedInBetween", kBind + flush() + execute() + sync(), "2D[v]C[SELECT 1]Z[I]",
     "E[0A000]Z[I]"},
    {"ThatFailsAgain", kBind + execute("nope") + sync(), "2E[34000]Z[I]", "E[0A000]Z[I]"},
    // PostgreSQL tells the types of the parameters before it finds the change.
    {"StatementDescribed", describe('S', "s") + sync(), "tTZ[I]", "tE[0A000]Z[I]", "E[26000]Z[I]"},
    {"StatementDescribedBehindItsBind", kBind + describe('S', "s") + execute() + sync(),
     "2tTD[v]C[SELECT 1]Z[I]", "E[0A000]Z[I]", "E[26000]Z[I]", true},
    {"ClosedPortal", kBind + execute() + close('P', "") + sync(), "2D[v]C[SELECT 1]3Z[I]",
     "E[0A000]Z[I]", "E[26000]Z[I]"},
    {"TwoStatements", kBind + execute() + binding("", "t", "w") + execute() + sync(),
     "2D[v]C[SELECT 1]2D[t w]C[SELECT 1]Z[I]", "E[0A000]Z[I]", "E[26000]Z[I]"},
    {"TwoSegments", kBind + execute() + sync() + binding("", "t", "w") + execute() + sync(),
     "2D[v]C[SELECT 1]Z[I]2D[t w]C[SELECT 1]Z[I]", "E[0A000]Z[I]E[0A000]Z[I]",
     "E[26000]Z[I]E[26000]Z[I]"},
    {"QueryBehind", kBind + execute() + sync() + query("select q"),
     "2D[v]C[SELECT 1]Z[I]TD[q]C[SELECT 1]Z[I]", "E[0A000]Z[I]TD[q]C[SELECT 1]Z[I]",
     "E[26000]Z[I]TD[q]C[SELECT 1]Z[I]"},
};

class RelayReplan : public ::testing::TestWithParam<Shape> {
 protected:
  RelayReplan() {
    client.ask(parse("s", "select $1") + parse("t", "select t $1") + sync());
    EXPECT_EQ(client.ask(GetParam().requests), GetParam().healthy);
  }
  // However it is answered at first, twice as many times it is answered well, in the end.
  void expect_at_first(const std::string& answers) {
    EXPECT_EQ(client.ask(GetParam().requests), answers.empty() ? GetParam().healthy : answers);
    for (int i = 0; i < 2; ++i) client.ask(GetParam().requests);
    const bool again = GetParam().told && answers == GetParam().stale;
    if (again) client.ask(close('S', "s") + parse("s", "select $1") + sync());
    EXPECT_EQ(client.ask(GetParam().requests), GetParam().healthy);
    EXPECT_EQ(client.closed_by, Reason::none);
    EXPECT_EQ(client.server, nullptr);
  }

  Rig rig;
  TestClient& client = rig.user();
};

TEST_P(RelayReplan, AfterAChangeOfTheTable) {
  client.ask(query("retype"));
  expect_at_first(GetParam().stale);
}

TEST_P(RelayReplan, AfterAnUnseenDeallocateAll) {
  client.ask(query("do deallocate all"));
  expect_at_first(GetParam().missing);
}

INSTANTIATE_TEST_SUITE_P(Shapes, RelayReplan, ::testing::ValuesIn(kShapes),
                         [](const auto& shape) { return std::string(shape.param.name); });

// It is told once, not once per statement; and what is there all the same is not in the way.
TEST(RelayReplans, AfterOneIsMissingNoneIsTrusted) {
  Rig rig;
  auto& client = rig.user();
  const auto use = [](const char* name) { return binding("", name, "v") + execute() + sync(); };
  client.ask(parse("s", "select $1") + parse("t", "select t $1") + sync());
  client.ask(query("do deallocate all"));
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(use("s")), "E[26000]Z[E]");
  client.ask(query("rollback"));
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(use("t")), "2D[t v]C[SELECT 1]Z[T]");
  client.ask(query("commit"));
  auto& fake = rig.servers[0]->fake;
  EXPECT_EQ(client.ask(use("s") + use("t")), "2D[v]C[SELECT 1]Z[I]2D[t v]C[SELECT 1]Z[I]");
  EXPECT_EQ(fake.statement_count(), 2u);
}

TEST(RelayReplans, OneThatIsThereAfterAllIsNotInTheWay) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select $1") + parse("t", "select t $1") + sync());
  auto& server = *rig.servers[0];
  const auto lost = server.conversation->state().statements.size();
  ASSERT_EQ(lost, 2u);
  server.fake.forget_one();
  EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(binding("", "t", "v") + execute() + sync()), "2D[t v]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
}

// --- Who was told what the rows look like, and does not ask again ---

const std::string kUse = kBind + execute() + sync();
const std::string kPrepare = parse("s", "select $1") + describe('S', "s") + sync();

// Two servers, handed out in turn, and a client that knows the rows of a statement by the first.
class RelayRows : public ::testing::Test {
 protected:
  RelayRows() { EXPECT_EQ(client.ask(kPrepare), "1tTZ[I]"); }
  void expect_always(const std::string& answer, const std::string& requests = kUse) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(client.ask(requests), answer) << i;
  }

  Rig rig{2};
  TestClient& client = rig.user();
};

TEST_F(RelayRows, AreWhatTheClientWasToldOnEveryServer) {
  expect_always("2D[v]C[SELECT 1]Z[I]");
  for (const auto& server : rig.servers) {
    EXPECT_EQ(std::ranges::count(server->fake.seen(), 'D'), 1) << "asked once for each server";
  }
}

TEST_F(RelayRows, ThatChangedAreRefusedAlsoWhereTheStatementNeverWas) {
  client.ask(query("retype"));
  client.send(kUse);
  EXPECT_NE(client.received.find("RevalidateCachedQuery"), std::string::npos) << "for drivers";
  EXPECT_EQ(client.answers(), "E[0A000]Z[I]");
  expect_always("E[0A000]Z[I]");
  EXPECT_EQ(client.ask(close('S', "s") + kPrepare), "31tTZ[I]");
  expect_always("2D[v]C[SELECT 1]Z[I]");
}

TEST_F(RelayRows, AreComparedHoweverTheServersAnswerIsCut) {
  client.ask(query("retype"));
  rig.piece_bytes = 7;
  expect_always("E[0A000]Z[I]");
}

TEST_F(RelayRows, AreNotAskedForWhileASettingIsOnItsWay) {
  const auto set = parse("", "set DateStyle = 'German, DMY'") + binding("", "") + execute();
  const auto show = parse("", "show datestyle") + binding("", "") + execute();
  for (int i = 0; i < 4; ++i) {
    client.ask(query("set DateStyle = 'ISO, MDY'"));
    EXPECT_EQ(client.ask(set + kBind + execute() + show + sync()),
              "12C[SET]2D[v]C[SELECT 1]12D[German, DMY]C[SHOW]S[DateStyle=German, DMY]Z[I]")
        << i;
  }
}

TEST_F(RelayRows, ThatChangedAreRefusedWhereOthersPutTheStatementSince) {
  rig.database.version = 1;  // past Tidegate
  auto& other = rig.user();
  for (int i = 0; i < 2; ++i) other.ask(parse("", "x") + sync());
  other.ask(kPrepare);
  for (int i = 0; i < 4; ++i) other.ask(kUse);
  expect_always("E[0A000]Z[I]");
}

TEST_F(RelayRows, AreComparedBeforeAnythingOfThePipelineRuns) {
  client.ask(query("retype"));
  expect_always("E[0A000]Z[I]TD[]C[SELECT 1]Z[I]",
                kBind + execute() + binding("", "s", "w") + execute() + sync() + query("rows"));
}

TEST_F(RelayRows, OfATransactionFailIt) {
  client.ask(query("retype"));
  for (int i = 0; i < 4; ++i) {
    client.ask(query("begin"));
    EXPECT_EQ(client.ask(kUse), "E[0A000]Z[E]") << i;
    EXPECT_EQ(client.ask(kUse), "E[25P02]Z[E]") << i;
    client.ask(query("rollback"));
  }
}

// What was to put it right was skipped: it is as stale as before.
TEST(RelayReplans, OneWhoseReplacementWasSkippedIsReplacedAtItsNextUse) {
  Rig rig;
  auto& client = rig.user();
  const auto use = binding("", "s", "v") + execute() + sync();
  client.ask(parse("s", "select $1") + sync());
  client.ask(query("retype"));
  EXPECT_EQ(client.ask(use), "E[0A000]Z[I]");
  EXPECT_EQ(client.ask(execute("nope") + use), "E[34000]Z[I]");
  EXPECT_EQ(client.ask(use), "2D[v]C[SELECT 1]Z[I]");
}

// The table changed in a way that the text does not survive.
TEST(RelayReplans, AnErrorOfTheSecondTryIsTheClients) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select $1") + sync());
  client.ask(query("retype"));
  auto& server = *rig.servers[0];
  server.deaf = true;
  client.send(binding("", "s", "v") + describe('P', "") + execute() + sync());
  server.incoming += server.fake.take(std::exchange(server.outgoing, {}));
  rig.settle();
  server.outgoing.replace(server.outgoing.find("select"), 6, "syntax");
  server.deaf = false;
  rig.settle();
  EXPECT_EQ(client.answers(), "E[42601]Z[I]");
  EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
}

}  // namespace
}  // namespace tidegate::postgres::testing
