// A URL is read or refused; it never crashes, its parts hold no zero byte, and what is shown of it
// can be read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "base/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = tidegate::as_text({data, size});
  const auto url = tidegate::parse_url(text);
  const auto shown = tidegate::redacted(text);
  if (!url) {
    if (shown != "***" || url.error().empty()) std::abort();
    return 0;
  }
  if (url->hosts.empty()) std::abort();
  for (const auto& host : url->hosts) {
    if (host.port < 0 || host.port > 65535) std::abort();
  }
  if (!tidegate::parse_url(shown)) std::abort();
  return 0;
}
