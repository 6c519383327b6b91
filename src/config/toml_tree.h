// A TOML file as a plain tree in which everything knows its line and column. The TOML library stays
// behind this header.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::config {

struct TomlPosition {
  int line = 0;
  int column = 0;
};

enum class TomlKind : std::uint8_t { string, integer, real, boolean, date, list, table };
std::string_view name(TomlKind kind);  // "a string", "an integer", ...

struct TomlEntry;

struct TomlNode {
  TomlKind kind = TomlKind::table;
  TomlPosition at;
  std::string text;                // a scalar as it would be written, without quotes
  std::vector<TomlNode> items;     // of a list
  std::vector<TomlEntry> entries;  // of a table, in the order of the file

  const TomlEntry* find(std::string_view key) const;
};

struct TomlEntry {
  std::string key;
  TomlPosition at;  // of the key
  TomlNode value;
};

struct TomlError {
  TomlPosition at;
  std::string text;
};
std::expected<TomlNode, TomlError> parse_toml(std::string_view text);

}  // namespace tidegate::config
