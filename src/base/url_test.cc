#include "base/url.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidegate {
namespace {

struct Case {
  const char* text;
  Url url;
};

Url make(std::string user, std::string password, std::vector<Url::Host> hosts,
         std::string database) {
  return {.scheme = "postgres",
          .user = std::move(user),
          .password = password,
          .has_password = !password.empty(),
          .hosts = std::move(hosts),
          .database = std::move(database),
          .parameters = {}};
}

TEST(Url, reads_what_libpq_reads) {
  const Case cases[] = {
      {"postgres://", make("", "", {{"", 0}}, "")},
      {"postgres:///db", make("", "", {{"", 0}}, "db")},
      {"postgres://host", make("", "", {{"host", 0}}, "")},
      {"postgres://host:5433/db", make("", "", {{"host", 5433}}, "db")},
      {"postgres://host:/db", make("", "", {{"host", 0}}, "db")},
      {"POSTGRES://u@host", make("u", "", {{"host", 0}}, "")},
      {"postgres://u:pw@host:1/db", make("u", "pw", {{"host", 1}}, "db")},
      {"postgres://u:p:w@host", make("u", "p:w", {{"host", 0}}, "")},
      {"postgres://u%40x:p%2Fw%3a%25@h/d%20b", make("u@x", "p/w:%", {{"h", 0}}, "d b")},
      {"postgres://u:pw@a:1,b,c:3/db", make("u", "pw", {{"a", 1}, {"b", 0}, {"c", 3}}, "db")},
      {"postgres://[::1]:5433/db", make("", "", {{"::1", 5433}}, "db")},
      {"postgres://u@[2001:db8::1],[::2]:7/", make("u", "", {{"2001:db8::1", 0}, {"::2", 7}}, "")},
      {"postgres://%2Frun%2Fpg/db", make("", "", {{"/run/pg", 0}}, "db")},
      {"postgres://%40abstract:5433/db", make("", "", {{"@abstract", 5433}}, "db")},
      {"postgres:///db?host=/run/pg&port=5433", make("", "", {{"/run/pg", 5433}}, "db")},
      {"postgres://?host=a,b&port=1,2&dbname=d&user=u&password=p%40",
       make("u", "p@", {{"a", 1}, {"b", 2}}, "d")},
      {"postgres://x:9?host=a,b", make("", "", {{"a", 9}, {"b", 9}}, "")},
      {"postgres://a,b?port=6", make("", "", {{"a", 6}, {"b", 6}}, "")},
  };
  for (const auto& [text, expected] : cases) {
    const auto url = parse_url(text);
    ASSERT_TRUE(url) << text << ": " << url.error();
    EXPECT_EQ(*url, expected) << text;
  }
}

TEST(Url, keeps_parameters_in_order_and_finds_the_last) {
  const auto good = parse_url("mysql://h/d?b=1&a=x%26y%3D&b=2&application_name=me@home&");
  ASSERT_TRUE(good) << good.error();
  EXPECT_EQ(good->scheme, "mysql");
  EXPECT_EQ(good->parameters.size(), 4u);
  EXPECT_EQ(*good->parameter("a"), "x&y=");
  EXPECT_EQ(*good->parameter("b"), "2");
  EXPECT_EQ(*good->parameter("application_name"), "me@home");
  EXPECT_EQ(good->parameter("c"), nullptr);
}

TEST(Url, an_empty_password_is_not_a_missing_one) {
  EXPECT_TRUE(parse_url("postgres://u:@h")->has_password);
  EXPECT_FALSE(parse_url("postgres://u@h")->has_password);
}

TEST(Url, refuses_with_a_reason) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "must begin with postgres://"},
      {"host=a user=b", "must begin with postgres://"},
      {"http://u:pw@h/", "must begin with postgres://"},
      {"postgres://h:0/", "from 1 to 65535"},
      {"postgres://h:65536/", "from 1 to 65535"},
      {"postgres://h:5432x/", "from 1 to 65535"},
      {"postgres://[::1/db", "lacks its `]`"},
      {"postgres://[]/db", "is empty"},
      {"postgres://[::1]x/db", "only a port"},
      {"postgres://h/d?x", "name=value"},
      {"postgres://h/d?x=1=2", "name=value"},
      {"postgres://h/d?=1", "no name"},
      {"postgres://h/d?x=%4", "percent-encoding"},
      {"postgres://h/%zz", "percent-encoding"},
      {"postgres://u:%00@h/", "percent-encoding"},
      {"postgres://a,b?port=1,2,3", "3 ports for 2 hosts"},
  };
  for (const auto& [text, reason] : cases) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().find(reason), std::string::npos) << text << " said: " << url.error();
  }
}

// A password that was pasted without percent-encoding cuts the URL in odd places; whatever is
// wrong then, no piece of it may come back in words.
TEST(Url, errors_never_repeat_the_password) {
  for (const char* text :
       {"postgres://u:hun/ter2@host/db", "postgres://u:hun@ter2@host/db",
        "postgres://u:hun?ter2@host/db", "postgres://u:hun?ter2=x@host/db",
        "postgres://u:123/hunter2@host/db", "postgres://u:hunter2%@host/db",
        "postgres://u:hun@ter2/x@host/db", "postgres://u:hun#ter2@host:99999/db"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().find("hun"), std::string::npos) << url.error();
    EXPECT_EQ(url.error().find("ter2"), std::string::npos) << url.error();
    EXPECT_EQ(redacted(text), "***");
  }
}

TEST(Url, redacts_the_password_only) {
  EXPECT_EQ(redacted("postgres://u:pw@h:1/db?sslmode=require"),
            "postgres://u:***@h:1/db?sslmode=require");
  EXPECT_EQ(redacted("postgres://u@h/db"), "postgres://u@h/db");
  EXPECT_EQ(redacted("postgres://h/db?user=u&password=pw&sslpassword=x&p%61ssword=y"),
            "postgres://h/db?user=u&password=***&sslpassword=***&p%61ssword=***");
  EXPECT_EQ(redacted("host=h password=pw"), "***");
}

std::string any_text() {
  // Every byte but zero, which no protocol string can carry.
  return *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
}

RC_GTEST_PROP(Url, every_part_survives_percent_encoding, ()) {
  const Url url = {.scheme = "postgresql",
                   .user = any_text(),
                   .password = any_text(),
                   .has_password = true,
                   .hosts = {{any_text(), *rc::gen::inRange(1, 65536)}},
                   .database = any_text(),
                   .parameters = {{"options", any_text()}}};
  const std::string text = fmt::format(
      "postgresql://{}:{}@{}:{}/{}?options={}", percent_encoded(url.user),
      percent_encoded(url.password), percent_encoded(url.hosts[0].name), url.hosts[0].port,
      percent_encoded(url.database), percent_encoded(url.parameters[0].second));
  const auto parsed = parse_url(text);
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(*parsed == url);
}

// Only a `?` in a password can make it look like a parameter of a shorter URL.
RC_GTEST_PROP(Url, a_password_pasted_as_it_is_never_comes_back, ()) {
  const std::string secret = "s3cr3t";
  std::string password = any_text() + secret + any_text();
  std::erase(password, '?');
  const std::string text = "postgres://u:" + password + "@h/d";
  RC_ASSERT(redacted(text).find(secret) == std::string::npos);
  const auto url = parse_url(text);
  if (!url) RC_ASSERT(url.error().find(secret) == std::string::npos);
}

}  // namespace
}  // namespace tidegate
