// The fake that the relay is tested against, and a test that it deserves to be compared with.
#include "../tests/support/fake_postgres.h"

#include <gtest/gtest.h>

#include "../tests/support/fake_postgres.cc"  // NOLINT: shared with tests/sim, compiled here once
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

TEST(FakePostgres, RollsBackAPipelineThatFails) {
  tidegate::testing::FakeDatabase database;
  DirectClient client(database);
  client.send(parse("", "insert a") + binding("", "") + execute() + binding("", "nope") + sync());
  EXPECT_EQ(client.answers(), "12C[INSERT 0 1]E[26000]Z[I]");
  EXPECT_TRUE(database.rows.empty());
}

TEST(FakePostgres, KeepsRepliesBackUntilFlushOrSync) {
  tidegate::testing::FakeDatabase database;
  DirectClient client(database);
  client.send(parse("", "select a"));
  EXPECT_EQ(client.answers(), "");
  client.send(flush());
  EXPECT_EQ(client.answers(), "1");
}

}  // namespace
}  // namespace tidegate::postgres::testing
