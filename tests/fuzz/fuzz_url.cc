// A URL is read or refused; it never crashes, its parts hold no zero byte, and what is shown of it
// can be read again. As `--upstream` it makes a usable configuration or none.
#include "base/bytes.h"
#include "base/check.h"
#include "base/url.h"
#include "usable_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate;
  const auto text = as_text({data, size});
  const auto url = parse_url(text);
  const auto shown = redacted(text);
  fuzz::check_loaded(config::load_upstream_url(std::string(text), fuzz::few_sources()));
  if (!url) {
    TG_CHECK(shown == "***");
    TG_CHECK(!url.error().empty());
    return 0;
  }
  TG_CHECK(!url->hosts.empty());
  for (const auto& host : url->hosts) TG_CHECK(host.port >= 0 && host.port <= 65535);
  TG_CHECK(parse_url(shown));
  return 0;
}
