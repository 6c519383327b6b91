#include "postgres/statements.h"

#include <gtest/gtest.h>

#include "postgres/statement_names.h"

namespace tidegate::postgres {
namespace {

ByteBuffer text_of(std::string_view text) {
  ByteBuffer bytes;
  ByteWriter(bytes).cstring(text).be16(0);
  return bytes;
}

StatementRef make(StatementTable& table, std::string_view text) {
  return table.intern(text_of(text), Settings::empty(), Naming::named);
}

TEST(StatementTable, EqualStatementsAreOne) {
  StatementTable table;
  const auto a = make(table, "select 1");
  EXPECT_EQ(a, make(table, "select 1"));
  EXPECT_NE(a, make(table, "select 2"));
  EXPECT_EQ(a->server_name.size(), kServerNamePrefix.size() + 32);
}

TEST(StatementTable, TypesAndShapeAreIdentityToo) {
  StatementTable table;
  const auto a = make(table, "select $1");
  ByteBuffer typed;
  ByteWriter(typed).cstring("select $1").be16(1).be32(23);
  const auto b = table.intern(typed, Settings::empty(), Naming::named);
  const auto german = Settings::make({{"DateStyle", "German"}});
  const auto c = table.intern(text_of("select $1"), german, Naming::named);
  EXPECT_NE(a->key, b->key);
  EXPECT_NE(a->key, c->key);
  EXPECT_NE(a->server_name, c->server_name);
}

TEST(StatementTable, NamesAreTheSameOnEveryWorker) {
  StatementTable one;
  StatementTable other;
  EXPECT_EQ(make(one, "select 1")->server_name, make(other, "select 1")->server_name);
}

TEST(StatementTable, UnnamedOnesHaveNoServerName) {
  StatementTable table;
  const auto unnamed = table.intern(text_of("select 1"), Settings::empty(), Naming::unnamed);
  EXPECT_TRUE(unnamed->server_name.empty());
  EXPECT_NE(unnamed, make(table, "select 1"));
}

TEST(StatementTable, ForgetsWhatNobodyHolds) {
  StatementTable table;
  for (int i = 0; i < 5000; ++i) make(table, "select " + std::to_string(i));
  EXPECT_LE(table.size(), 1025u);
}

TEST(StatementTable, KnowsWhatAStatementDoes) {
  StatementTable table;
  EXPECT_TRUE(make(table, "LISTEN x")->effects.has(sql::Effect::listen));
  EXPECT_TRUE(make(table, "select 1")->effects.none());
}

TEST(ServerStatements, LeastRecentlyUsedGoesFirst) {
  StatementTable table;
  ServerStatements held(2);
  const auto a = make(table, "a");
  const auto b = make(table, "b");
  held.add(a);
  EXPECT_EQ(held.evict(), nullptr);
  held.add(b);
  EXPECT_TRUE(held.touch(a->key));
  EXPECT_EQ(held.evict(), b);
  EXPECT_FALSE(held.touch(b->key));
  EXPECT_EQ(held.size(), 1u);
}

TEST(ServerStatements, StaleOnesAreThereButNotUsable) {
  StatementTable table;
  ServerStatements held(2);
  const auto a = make(table, "a");
  held.add(a);
  held.mark_stale(a->key);
  EXPECT_TRUE(held.holds(a->key));
  EXPECT_FALSE(held.touch(a->key));
  held.add(a);
  EXPECT_TRUE(held.touch(a->key));
  held.mark_all_stale();
  EXPECT_TRUE(held.holds(a->key));
  EXPECT_FALSE(held.touch(a->key));
}

TEST(StatementNames, FindsByTheFirst63Bytes) {
  StatementTable table;
  StatementNames names;
  const auto a = make(table, "a");
  const std::string name(70, 'n');
  names.set(name, a);
  EXPECT_EQ(names.find(std::string(63, 'n') + "other"), a);
  EXPECT_EQ(names.find(std::string(62, 'n')), nullptr);
  EXPECT_EQ(names.erase(name), a);
  EXPECT_EQ(names.size(), 0u);
}

TEST(StatementNames, ManyNames) {
  StatementTable table;
  StatementNames names;
  for (int i = 0; i < 1000; ++i) names.set("s" + std::to_string(i * 7919 % 1000), make(table, "x"));
  EXPECT_EQ(names.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(names.find("s" + std::to_string(i)), nullptr);
}

}  // namespace
}  // namespace tidegate::postgres
