#include "postgres/statement_names.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

StatementRef statement_of(std::size_t bytes) {
  auto statement = std::make_shared<Statement>();
  statement->text_and_types.resize(bytes);
  return statement;
}

TEST(StatementNames, CountTheBytesOfWhatTheyMean) {
  StatementNames names;
  const auto shared = statement_of(100);
  names.set("a", shared);
  names.set("b", shared);
  EXPECT_EQ(names.bytes(), 200u);
  names.set("b", statement_of(7));
  EXPECT_EQ(names.bytes(), 107u);
  names.set("b", statement_of(50));
  EXPECT_EQ(names.bytes(), 150u);
  EXPECT_EQ(names.erase("a"), shared);
  EXPECT_EQ(names.erase("a"), nullptr);
  EXPECT_EQ(names.bytes(), 50u);
  names.set("c", shared);
  names.clear();
  EXPECT_EQ(names.bytes(), 0u);
  names.set("d", shared);
  names.erase("d");
  EXPECT_EQ(names.bytes(), 0u);
}

}  // namespace
}  // namespace tidegate::postgres
