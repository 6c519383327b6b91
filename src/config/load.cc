#include "config/load.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "config/problems.h"
#include "net/listen_names.h"

namespace tidegate::config {
namespace {

// A configuration or password file beyond this is a mistake, such as a device.
constexpr std::size_t kFileBytesMax = 16 << 20;

std::expected<std::string, std::string> read_whole_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (file == nullptr) return std::unexpected(std::strerror(errno));
  std::string text;
  char chunk[16384];
  for (std::size_t count = 1; count > 0;) {
    count = std::fread(chunk, 1, sizeof chunk, file.get());
    text.append(chunk, count);
    if (text.size() > kFileBytesMax) return std::unexpected("larger than 16 MB");
  }
  if (std::ferror(file.get()) != 0) return std::unexpected(std::strerror(errno));
  return text;
}

// As the process would find it now: another user may start it, and the folder may go.
std::expected<void, std::string> writable(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto folder = slash == std::string::npos ? "." : path.substr(0, std::max(slash, 1ul));
  const bool there = access(path.c_str(), F_OK) == 0;
  const auto& tried = there ? path : folder;
  struct stat found = {};
  if (there && stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    return std::unexpected("is a folder");
  }
  if (access(tried.c_str(), there ? W_OK : W_OK | X_OK) == 0) return {};
  if (there) return std::unexpected(fmt::format("cannot be written: {}", std::strerror(errno)));
  return std::unexpected(
      fmt::format("cannot be made in the folder `{}`: {}", folder, std::strerror(errno)));
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace

std::string Problem::format() const {
  const auto* word = severity == Severity::error ? "error" : "warning";
  if (file.empty()) return fmt::format("{}: {}", word, text);
  if (line == 0) return fmt::format("{}: {}: {}", file, word, text);
  return fmt::format("{}:{}:{}: {}: {}", file, line, column, word, text);
}

bool Loaded::usable() const {
  return std::none_of(problems.begin(), problems.end(),
                      [](const Problem& problem) { return problem.severity == Severity::error; });
}

Sources Sources::real() {
  return {.read_file = read_whole_file,
          .environment = environment_variable,
          .check_tls =
              [](const net::TlsSettings& settings, bool towards_clients) {
                return towards_clients ? net::check_server_tls(settings)
                                       : net::check_client_tls(settings);
              },
          .may_write = writable,
          .listen_addresses =
              [](const Listen& listen) {
                return net::addresses_to_listen_on(listen.host, listen.port);
              }};
}

Loaded load_file(const std::string& path, const Sources& sources) {
  const auto text = sources.read_file(path);
  if (!text) {
    Loaded failed;
    failed.problems.push_back(
        {.file = path, .text = fmt::format("cannot be read: {}", text.error())});
    return failed;
  }
  auto loaded = path.ends_with(".ini") ? load_pgbouncer_ini(*text, path, sources)
                                       : load_toml(*text, path, sources);
  loaded.config.file = path;
  return loaded;
}

std::size_t Problems::errors() const {
  return static_cast<std::size_t>(
      std::count_if(problems_.begin(), problems_.end(),
                    [](const Problem& problem) { return problem.severity == Severity::error; }));
}

std::vector<Problem> Problems::sorted() const {
  // Files keep the order in which they first had a problem; what has no place comes last.
  std::map<std::string, std::size_t> file_ranks;
  std::multimap<std::tuple<bool, std::size_t, int, int>, const Problem*> ordered;
  for (const auto& problem : problems_) {
    const auto rank = file_ranks.emplace(problem.file, file_ranks.size()).first->second;
    ordered.emplace(std::tuple(problem.line == 0, rank, problem.line, problem.column), &problem);
  }
  std::vector<Problem> sorted;
  for (const auto& [key, problem] : ordered) sorted.push_back(*problem);
  return sorted;
}

}  // namespace tidegate::config
