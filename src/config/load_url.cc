// `tidegate serve --upstream URL`: one database, one route under its own name, and one user, who
// proves to Tidegate the same password that Tidegate proves to the database.
#include <fmt/format.h>

#include "config/complete.h"
#include "config/implied.h"
#include "config/load.h"
#include "config/upstream_url.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kUpstreamName = "upstream";

// Trust is never implied, and without both there is nothing a client could prove.
std::string missing_login(const Url& url) {
  if (!url.user.empty() && url.has_password && !url.password.empty()) return "";
  return fmt::format(
      "the upstream URL has no {}, so no client could log in: write "
      "postgres://USER:PASSWORD@HOST/DATABASE, or say who may log in with --config FILE",
      url.user.empty() ? "user" : "password");
}

}  // namespace

Loaded load_upstream_url(const std::string& text, const Sources& sources) {
  Problems problems;
  Loaded loaded;
  Upstream upstream{.name = std::string(kUpstreamName)};
  const auto url = parse_url(text);
  if (const auto done = apply_url(upstream, text); !done) {
    problems.error({}, fmt::format("the upstream URL {}", done.error()));
  } else if (const auto missing = missing_login(*url); !missing.empty()) {
    problems.error({}, missing);
  } else {
    Route route;
    if (const auto words = apply_pool_words(route, *url); !words) {
      problems.error({}, fmt::format("the upstream URL {}", words.error()));
    }
    review_url(*url, true, {}, problems);
    if (url->parameter("budget") == nullptr) raise_budget(upstream, route.limits);
    loaded.config.routes.push_back(implied_route(upstream, std::move(route)));
    loaded.config.users.push_back(*implied_user(upstream));
    loaded.config.upstreams.push_back(std::move(upstream));
    complete(loaded.config);
    review(loaded.config, Places({}), problems);
    review_files(loaded.config, Places({}), sources, problems);
  }
  loaded.problems = problems.sorted();
  return loaded;
}

}  // namespace tidegate::config
