#include "config/ini_file.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::config {
namespace {

constexpr int kIncludeDepthMax = 10;
constexpr std::string_view kSpace = " \t\r";

class IniReader {
 public:
  IniReader(const Sources& sources, Problems& problems) : sources_(sources), problems_(problems) {}

  void read(std::string_view text, const std::string& file, int depth) {
    Place place{.file = file};
    while (!text.empty()) {
      const auto end = text.find('\n');
      const auto line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      ++place.line;
      read_line(line, place, depth);
    }
  }

  std::vector<IniEntry> take() { return std::move(entries_); }

 private:
  void read_line(std::string_view line, Place place, int depth) {
    const auto begin = std::min(line.find_first_not_of(kSpace), line.size());
    line = line.substr(0, line.find_last_not_of(kSpace) + 1);
    if (begin >= line.size()) return;
    const auto rest = line.substr(begin);
    place.column = static_cast<int>(begin) + 1;
    if (rest.starts_with(';') || rest.starts_with('#')) return;
    if (rest.starts_with('%')) return include(rest, place, depth);
    if (!rest.starts_with('[')) return read_entry(line, begin, place);
    if (!rest.ends_with(']')) return problems_.error(place, "the section's name lacks its `]`");
    section_ = rest.substr(1, rest.size() - 2);
  }

  void include(std::string_view rest, const Place& place, int depth) {
    constexpr std::string_view kInclude = "%include";
    const auto name_at = rest.find_first_not_of(kSpace, kInclude.size());
    if (!rest.starts_with(kInclude) || name_at == std::string_view::npos ||
        name_at == kInclude.size()) {
      return problems_.error(place, "only `%include FILE` may begin with `%`");
    }
    const std::string file(rest.substr(name_at));
    if (depth >= kIncludeDepthMax) {
      return problems_.error(
          place, fmt::format("more than {} files include each other", kIncludeDepthMax));
    }
    const auto text = sources_.read_file(file);
    if (!text) {
      return problems_.error(place, fmt::format("`{}` cannot be read: {}", file, text.error()));
    }
    read(*text, file, depth + 1);
  }

  void read_entry(std::string_view line, std::size_t begin, const Place& place) {
    IniEntry entry{.section = section_, .key_place = place, .value_place = place};
    auto at = begin;
    if (!take_key(line, at, entry.key)) return problems_.error(place, "a name is not closed");
    at = std::min(line.find_first_not_of(kSpace, at), line.size());
    if (entry.key.empty() || at >= line.size() || line[at] != '=') {
      return problems_.error(place, "neither [section] nor `key = value`");
    }
    const auto value_at = std::min(line.find_first_not_of(kSpace, at + 1), line.size());
    entry.value = line.substr(value_at);
    entry.value_place.column = static_cast<int>(value_at) + 1;
    if (section_.empty()) return problems_.error(place, "stands before the first [section]");
    entries_.push_back(std::move(entry));
  }

  // A bare word, or anything in double quotes with "" for one of them.
  static bool take_key(std::string_view line, std::size_t& at, std::string& out) {
    if (line[at] != '"') {
      const auto end = std::min(line.find_first_of("= \t", at), line.size());
      out = line.substr(at, end - at);
      at = end;
      return true;
    }
    for (++at; at < line.size(); ++at) {
      if (line[at] != '"') {
        out += line[at];
      } else if (at + 1 < line.size() && line[at + 1] == '"') {
        out += line[at++];
      } else {
        ++at;
        return true;
      }
    }
    return false;
  }

  const Sources& sources_;
  Problems& problems_;
  std::string section_;
  std::vector<IniEntry> entries_;
};

}  // namespace

std::vector<IniEntry> read_ini(std::string_view text, const std::string& file,
                               const Sources& sources, Problems& problems) {
  IniReader reader(sources, problems);
  reader.read(text, file, 1);
  return reader.take();
}

}  // namespace tidegate::config
