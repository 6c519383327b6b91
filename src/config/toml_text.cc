#include "config/toml_text.h"

#include <fmt/format.h>

#include "config/expand.h"
#include "config/keywords.h"

namespace tidegate::config {
namespace {

// Which values a setting takes; what they say is checked when their text is parsed.
bool fits(Kind kind, TomlKind given) {
  switch (kind) {
    case Kind::integer:
    case Kind::bytes:
      return given == TomlKind::integer || given == TomlKind::string;
    case Kind::duration:
      return given == TomlKind::integer || given == TomlKind::real || given == TomlKind::string;
    case Kind::boolean:
      return given == TomlKind::boolean;
    case Kind::list:
      return given == TomlKind::list || given == TomlKind::string;
    case Kind::parameters:
      return given == TomlKind::table;
    case Kind::choice:
    case Kind::text:
    case Kind::path:
    case Kind::secret:
    case Kind::url:
      return given == TomlKind::string;
  }
  return false;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> TomlText::of(std::string_view name, Kind kind,
                                        const std::string& accepts, const TomlNode& node) {
  const bool may_be_file = kind == Kind::secret || kind == Kind::url;
  if (may_be_file && node.kind == TomlKind::table) return content_of_file(name, node);
  const bool quoted_number =
      kind == Kind::integer && node.kind == TomlKind::string && is_digits(node.text);
  if (!fits(kind, node.kind) || quoted_number) {
    return fail(node.at,
                fmt::format("`{}` must be {}, not {}", name, accepts, config::name(node.kind)));
  }
  if (kind == Kind::parameters) return parameters(name, node);
  if (node.kind == TomlKind::list) return list(name, node);
  const auto text = scalar(name, kind, node);
  return text && kind == Kind::path ? beside_this_file(*text) : text;
}

std::optional<std::string> TomlText::fail(TomlPosition at, std::string text) {
  problems_.error({file_, at.line, at.column}, std::move(text));
  return std::nullopt;
}

std::optional<std::string> TomlText::scalar(std::string_view name, Kind kind,
                                            const TomlNode& node) {
  if (node.kind != TomlKind::string) return node.text;
  auto text =
      expand(node.text, sources_.environment, kind == Kind::url ? Encoding::url : Encoding::none);
  if (!text) return fail(node.at, fmt::format("`{}` {}", name, text.error()));
  return std::move(*text);
}

std::optional<std::string> TomlText::list(std::string_view name, const TomlNode& node) {
  std::string joined;
  bool all_fine = true;
  for (const auto& item : node.items) {
    const auto text = list_item(name, item);
    if (text) joined += fmt::format("{}{}", joined.empty() ? "" : ",", *text);
    all_fine &= text.has_value();
  }
  return all_fine ? std::optional(joined) : std::nullopt;
}

std::optional<std::string> TomlText::list_item(std::string_view name, const TomlNode& item) {
  if (item.kind != TomlKind::string) {
    return fail(item.at,
                fmt::format("`{}` must hold strings, not {}", name, config::name(item.kind)));
  }
  const auto text = scalar(name, Kind::list, item);
  if (text && text->find(',') != std::string::npos) {
    return fail(item.at, fmt::format("an item of `{}` must not hold a comma", name));
  }
  return text;
}

std::optional<std::string> TomlText::parameters(std::string_view name, const TomlNode& node) {
  std::string joined;
  for (const auto& entry : node.entries) {
    const auto kind = entry.value.kind;
    if (kind == TomlKind::table || kind == TomlKind::list || kind == TomlKind::date) {
      return fail(entry.value.at, fmt::format("`{}.{}` must be a string or a number, not {}", name,
                                              entry.key, config::name(kind)));
    }
    const auto text = scalar(entry.key, Kind::text, entry.value);
    if (!text) return std::nullopt;
    joined += (joined.empty() ? "" : " ") + print_keyword(entry.key, *text);
  }
  return joined;
}

// password = { file = "/run/secrets/db" }; the line end that editors add is no part of it.
std::optional<std::string> TomlText::content_of_file(std::string_view name, const TomlNode& node) {
  const auto* file = node.find("file");
  if (file == nullptr || node.entries.size() != 1 || file->value.kind != TomlKind::string) {
    return fail(node.at, fmt::format("`{}` must be text or {{ file = \"...\" }}", name));
  }
  const auto path = scalar(name, Kind::path, file->value);
  if (!path) return std::nullopt;
  auto text = sources_.read_file(beside_this_file(*path));
  if (!text) {
    return fail(file->value.at,
                fmt::format("`{}`: `{}` cannot be read: {}", name, *path, text.error()));
  }
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return std::move(*text);
}

std::string TomlText::beside_this_file(const std::string& path) const {
  const auto slash = file_.rfind('/');
  if (path.empty() || path.starts_with('/') || slash == std::string::npos) return path;
  return file_.substr(0, slash + 1) + path;
}

}  // namespace tidegate::config
