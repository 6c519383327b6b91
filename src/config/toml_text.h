// From a TOML value to the text that a setting's own type then reads: the kind of value is checked,
// variables are put in, secrets are fetched from their files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/problems.h"
#include "config/setting.h"
#include "config/toml_tree.h"

namespace tidegate::config {

class TomlText {
 public:
  // All three are borrowed.
  TomlText(const std::string& file, const Sources& sources, Problems& problems)
      : file_(file), sources_(sources), problems_(problems) {}

  // Nothing: the problems say why.
  std::optional<std::string> of(std::string_view name, Kind kind, const std::string& accepts,
                                const TomlNode& node);

 private:
  std::optional<std::string> fail(TomlPosition at, std::string text);
  std::optional<std::string> scalar(std::string_view name, Kind kind, const TomlNode& node);
  std::optional<std::string> list_item(std::string_view name, const TomlNode& item);
  std::optional<std::string> list(std::string_view name, const TomlNode& node);
  std::optional<std::string> parameters(std::string_view name, const TomlNode& node);
  std::optional<std::string> content_of_file(std::string_view name, const TomlNode& node);
  std::string beside_this_file(const std::string& path) const;

  const std::string& file_;
  const Sources& sources_;
  Problems& problems_;
};

}  // namespace tidegate::config
