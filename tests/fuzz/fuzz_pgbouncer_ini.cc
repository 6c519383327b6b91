// A pgbouncer.ini is read or refused, and whatever is usable is consistent.
#include "base/bytes.h"
#include "usable_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate;
  const auto text = as_text({data, size});
  fuzz::check_loaded(config::load_pgbouncer_ini(text, "p.ini", fuzz::few_sources()));
  return 0;
}
