// Files and variables for tests.
#pragma once

#include <map>
#include <string>

#include "config/load.h"

namespace tidegate::config {

struct FakeSources {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;

  // Borrows this object.
  Sources sources() const {
    return {
        .read_file = [this](const std::string& path) -> std::expected<std::string, std::string> {
          const auto file = files.find(path);
          if (file == files.end()) return std::unexpected("No such file or directory");
          return file->second;
        },
        .environment = [this](const std::string& name) -> std::optional<std::string> {
          const auto variable = variables.find(name);
          if (variable == variables.end()) return std::nullopt;
          return variable->second;
        }};
  }
};

// All problems, one per line.
inline std::string format(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += problem.format() + "\n";
  return out;
}

}  // namespace tidegate::config
