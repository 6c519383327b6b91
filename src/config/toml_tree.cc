#include "config/toml_tree.h"

#include <algorithm>

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
// It asserts what a file may well get wrong (`[!name]`), and finds the error all the same.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

namespace tidegate::config {
namespace {

TomlPosition position(const toml::source_region& source) {
  return {static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

TomlNode convert(const toml::node& node);

void convert_table(const toml::table& table, TomlNode& out) {
  out.kind = TomlKind::table;
  for (const auto& [key, value] : table) {
    out.entries.push_back({std::string(key.str()), position(key.source()), convert(value)});
  }
  std::sort(out.entries.begin(), out.entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
}

void convert_scalar(const toml::node& node, TomlNode& out) {
  if (const auto* text = node.as_string()) {
    out.kind = TomlKind::string;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = TomlKind::integer;
    out.text = fmt::to_string(integer->get());
  } else if (const auto* real = node.as_floating_point()) {
    out.kind = TomlKind::real;
    out.text = fmt::to_string(real->get());
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = TomlKind::boolean;
    out.text = boolean->get() ? "true" : "false";
  } else {
    out.kind = TomlKind::date;
  }
}

TomlNode convert(const toml::node& node) {
  TomlNode out{.at = position(node.source())};
  if (const auto* table = node.as_table()) {
    convert_table(*table, out);
  } else if (const auto* array = node.as_array()) {
    out.kind = TomlKind::list;
    for (const auto& item : *array) out.items.push_back(convert(item));
  } else {
    convert_scalar(node, out);
  }
  return out;
}

// TOML has no place for these (toml.io, "Control characters other than tab"), and a zero byte in a
// table's name is more than the parser can take.
bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

TomlPosition position_in(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = offset - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0: the first line
  return {static_cast<int>(line), static_cast<int>(column)};
}

}  // namespace

std::string_view name(TomlKind kind) {
  switch (kind) {
    case TomlKind::string:
      return "a string";
    case TomlKind::integer:
      return "an integer";
    case TomlKind::real:
      return "a decimal number";
    case TomlKind::boolean:
      return "a boolean";
    case TomlKind::date:
      return "a date or time";
    case TomlKind::list:
      return "a list";
    case TomlKind::table:
      return "a table";
  }
  return "";
}

const TomlEntry* TomlNode::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const TomlEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

std::expected<TomlNode, TomlError> parse_toml(std::string_view text) {
  const auto control = std::ranges::find_if(text, is_forbidden);
  if (control != text.end()) {
    const auto offset = static_cast<std::size_t>(control - text.begin());
    return std::unexpected(TomlError{position_in(text, offset), "a control character"});
  }
  const auto result = toml::parse(text);
  if (!result) {
    const auto& error = result.error();
    return std::unexpected(TomlError{position(error.source()), std::string(error.description())});
  }
  return convert(result.table());
}

}  // namespace tidegate::config
