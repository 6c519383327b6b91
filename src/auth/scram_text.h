// The grammar of SCRAM messages (RFC 5802 section 7): attributes "x=value" with commas between.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::auth {

// The one channel binding that PostgreSQL knows, as a GS2 header.
inline constexpr std::string_view kGs2Plus = "p=tls-server-end-point,,";
inline constexpr std::string_view kGs2NotOffered = "y,,";
inline constexpr std::string_view kGs2None = "n,,";

class AttributeReader {
 public:
  explicit AttributeReader(std::string_view text) : rest_(text) {}

  // The value of the next attribute, which must be `name`.
  std::optional<std::string_view> value_of(char name);
  struct Attribute {
    char name;
    std::string_view value;
    std::size_t at;  // where "name=" begins in the whole text
  };
  // The next attribute, whatever its name is.
  std::optional<Attribute> any();
  bool finished() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::size_t consumed_ = 0;
};

// Visible ASCII without commas: what a nonce is made of.
bool is_printable(std::string_view text);
// What both sides sign: the whole exchange but the proof (section 3).
std::string auth_message(std::string_view client_first_bare, std::string_view server_first,
                         std::string_view client_final_without_proof);

}  // namespace tidegate::auth
