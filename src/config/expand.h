// ${NAME} in a value stands for an environment variable, so that a file can be committed and its
// secrets cannot. $${ is a plain ${.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::config {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

enum class Encoding : std::uint8_t {
  none,
  // In a URL a password must be percent-encoded. A value that is one variable and nothing else is
  // left as it is: then the variable holds the whole URL.
  url,
};

// The error completes a sentence and names the variable that is missing.
std::expected<std::string, std::string> expand(std::string_view text,
                                               const Environment& environment, Encoding encoding);

}  // namespace tidegate::config
