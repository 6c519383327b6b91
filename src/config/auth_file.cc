// PgBouncer's auth_file: one user per line, "name" and "secret" in double quotes, "" for a quote.
// What follows the second string is ignored, as are empty lines and lines that begin with `;`.
#include <algorithm>

#include <fmt/format.h>

#include "config/complete.h"
#include "config/load.h"

namespace tidegate::config {
namespace {

// PgBouncer's own limits.
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kSecretBytesMax = 2048;

class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line) { skip_space(); }

  bool empty() const { return rest().empty() || rest().starts_with(';'); }
  int column() const { return static_cast<int>(at_) + 1; }

  // A string in double quotes; the error says what is wrong with it.
  std::expected<std::string, std::string> quoted(std::string_view what, std::size_t bytes_max) {
    if (!rest().starts_with('"')) {
      return std::unexpected(fmt::format("{} must stand in double quotes", what));
    }
    std::string out;
    for (std::size_t i = at_ + 1; i < line_.size(); ++i) {
      if (line_[i] != '"') {
        out += line_[i];
      } else if (i + 1 < line_.size() && line_[i + 1] == '"') {
        out += line_[i++];
      } else {
        if (out.size() > bytes_max) {
          return std::unexpected(fmt::format("{} is longer than {} bytes", what, bytes_max));
        }
        at_ = i + 1;
        skip_space();
        return out;
      }
    }
    return std::unexpected(fmt::format("the quote of {} is not closed", what));
  }

 private:
  std::string_view rest() const { return line_.substr(at_); }
  void skip_space() { at_ = std::min(line_.find_first_not_of(" \t\r", at_), line_.size()); }

  std::string_view line_;
  std::size_t at_ = 0;
};

std::expected<User, std::string> read_user(LineReader& reader) {
  auto name = reader.quoted("the user's name", kNameBytesMax);
  if (!name) return std::unexpected(name.error());
  if (name->empty()) return std::unexpected("the user's name is empty");
  auto secret = reader.quoted("the secret", kSecretBytesMax);
  if (!secret) return std::unexpected(secret.error());
  return User{.name = std::move(*name), .secret = std::move(*secret)};
}

}  // namespace

std::expected<std::vector<User>, Problem> parse_auth_file(std::string_view text,
                                                          const std::string& file,
                                                          std::vector<Problem>* warnings) {
  std::vector<User> users;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    LineReader reader(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (reader.empty()) continue;
    auto user = read_user(reader);
    if (!user) {
      return std::unexpected(Problem{Severity::error, file, number, reader.column(), user.error()});
    }
    if (auto damage = damage_of(*user); damage && warnings != nullptr) {
      warnings->push_back({Severity::warning, file, number, 1, std::move(*damage)});
    }
    users.push_back(std::move(*user));
  }
  return users;
}

}  // namespace tidegate::config
