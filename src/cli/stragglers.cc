#include "cli/stragglers.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::cli {
namespace {

using proxy::Client;

constexpr std::size_t kNamedMax = 5;

Straggler describe_client(proxy::Worker& worker, const Client& client) {
  Straggler straggler{
      .user = client.user(), .database = client.database(), .address = client.address()};
  auto since = client.connected_at();
  switch (client.state()) {
    case Client::State::arriving:
    case Client::State::login:
      straggler.doing = "logging in";
      break;
    case Client::State::waiting:
      straggler.doing = "waiting for a server";
      since = client.wait_since();
      break;
    case Client::State::linked: {
      const auto& pin = client.server()->pin();
      const bool session = client.route()->spec().rules.mode == PoolMode::session;
      straggler.doing = session       ? "linked in session mode"
                        : pin.empty() ? "in a transaction"
                                      : fmt::format("pinned ({})", pin);
      since = client.server()->assigned_at();
      break;
    }
    case Client::State::idle:
    case Client::State::ending:
      straggler.doing = "connected";
      break;
  }
  straggler.since = worker.reactor().now() - since;
  return straggler;
}

}  // namespace

std::vector<Straggler> stragglers(proxy::Worker& worker) {
  std::vector<Straggler> found;
  worker.clients().for_each([&](proxy::ClientId, const Client& client) {
    if (client.state() != Client::State::ending) found.push_back(describe_client(worker, client));
  });
  return found;
}

std::string describe(std::vector<Straggler> stragglers) {
  std::ranges::stable_sort(stragglers, std::ranges::greater{}, &Straggler::since);
  std::string text;
  for (std::size_t i = 0; i < stragglers.size() && i < kNamedMax; ++i) {
    const auto& one = stragglers[i];
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(one.since).count();
    text += fmt::format("{}{}@{} from {} {} for {}s", i == 0 ? "" : "; ", one.user, one.database,
                        one.address, one.doing, seconds);
  }
  if (stragglers.size() > kNamedMax) {
    text += fmt::format("; and {} more", stragglers.size() - kNamedMax);
  }
  return text;
}

}  // namespace tidegate::cli
