// A pgbouncer.ini is read or refused; whatever is usable is consistent: every route has its
// upstream, every upstream a host and a budget.
#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "config/diff.h"
#include "config/load.h"

namespace {

using namespace tidegate::config;

void check_route(const Config& config, const Route& route) {
  const auto upstream =
      std::find_if(config.upstreams.begin(), config.upstreams.end(),
                   [&](const Upstream& one) { return one.name == route.upstream; });
  TG_CHECK(upstream != config.upstreams.end() && !upstream->hosts.empty());
  TG_CHECK(upstream->limits.budget >= 1 && route.limits.pool_size >= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Sources sources = {
      .read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
        if (path != "users.txt") return std::unexpected("No such file or directory");
        return "\"app\" \"secret\"\n";
      },
      .environment = [](const std::string&) { return std::nullopt; }};
  const auto loaded = load_pgbouncer_ini(tidegate::as_text({data, size}), "p.ini", sources);
  for (const auto& problem : loaded.problems) TG_CHECK(!problem.format().empty());
  if (!loaded.usable()) return 0;
  for (const auto& route : loaded.config.routes) check_route(loaded.config, route);
  TG_CHECK(diff(loaded.config, loaded.config).empty());
  return 0;
}
