// Connection strings of the form  host=db1 dbname='my db' user=app  as they stand in the
// [databases] section of pgbouncer.ini.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::config {

struct Keyword {
  std::string name;
  std::string value;
  std::size_t offset = 0;  // of the name, in the text
};

struct KeywordError {
  std::string text;  // never repeats a value
  std::size_t offset = 0;
};

// A value is everything up to the next space, or stands in single quotes with '' for one quote.
std::expected<std::vector<Keyword>, KeywordError> parse_keywords(std::string_view text);
// name=value, quoted where it must be.
std::string print_keyword(std::string_view name, std::string_view value);

}  // namespace tidegate::config
