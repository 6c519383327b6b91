#include "config/keywords.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidegate::config {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs read(std::string_view text) {
  Pairs pairs;
  const auto keywords = parse_keywords(text);
  EXPECT_TRUE(keywords);
  for (const auto& keyword : *keywords) {
    pairs.emplace_back(keyword.name, keyword.value);
  }
  return pairs;
}

TEST(Keywords, reads_names_and_values) {
  EXPECT_EQ(read(""), Pairs());
  EXPECT_EQ(read("host=a port=1"), (Pairs{{"host", "a"}, {"port", "1"}}));
  EXPECT_EQ(read("  host = a\tport= 1 "), (Pairs{{"host", "a"}, {"port", "1"}}));
  EXPECT_EQ(read("password='it''s' user=''"), (Pairs{{"password", "it's"}, {"user", ""}}));
  EXPECT_EQ(read("connect_query='SELECT ''a b'''"), (Pairs{{"connect_query", "SELECT 'a b'"}}));
  EXPECT_EQ(read("a=b=c"), (Pairs{{"a", "b=c"}}));
}

TEST(Keywords, says_where_it_goes_wrong) {
  const auto no_sign = parse_keywords("host=a port");
  ASSERT_FALSE(no_sign);
  EXPECT_EQ(no_sign.error().text, "`port` lacks its `=`");
  EXPECT_EQ(no_sign.error().offset, 7u);
  const auto open = parse_keywords("user=a password='x y");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().text, "the quote of `password` is not closed");
  EXPECT_EQ(open.error().offset, 7u);
  EXPECT_EQ(parse_keywords("=x").error().text, "a name is missing before `=`");
}

RC_GTEST_PROP(Keywords, what_is_printed_reads_back, ()) {
  const auto value = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
  const auto text = print_keyword("a", value) + " " + print_keyword("b", "2");
  RC_ASSERT(read(text) == (Pairs{{"a", value}, {"b", "2"}}));
}

}  // namespace
}  // namespace tidegate::config
