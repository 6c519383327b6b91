// A URL is read or refused; it never crashes, its parts hold no zero byte, and what is shown of it
// can be read again.

#include "base/bytes.h"
#include "base/check.h"
#include "base/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = tidegate::as_text({data, size});
  const auto url = tidegate::parse_url(text);
  const auto shown = tidegate::redacted(text);
  if (!url) {
    TG_CHECK(shown == "***");
    TG_CHECK(!url.error().empty());
    return 0;
  }
  TG_CHECK(!url->hosts.empty());
  for (const auto& host : url->hosts) TG_CHECK(host.port >= 0 && host.port <= 65535);
  TG_CHECK(tidegate::parse_url(shown));
  return 0;
}
