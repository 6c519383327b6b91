#include "sim/sim_postgres.h"

#include <algorithm>

#include "base/check.h"

namespace tidegate::sim {

std::size_t death_step_of(char message) {
  const auto step = std::ranges::find(kDeathSteps, message, &DeathStep::message);
  TG_CHECK(step != kDeathSteps.end());
  return static_cast<std::size_t>(step - kDeathSteps.begin());
}

namespace {
constexpr Duration kWeatherPeriod = 50ms;
constexpr Duration kStartingMax = 2s;
}  // namespace

SimPostgres::SimPostgres(net::SimNetwork& network, net::Address address, ServerOptions options,
                         Ledger& ledger)
    : network_(network),
      random_(network.random().fork()),
      address_(address),
      options_(options),
      ledger_(ledger) {
  network_.listen(address_, this);
}

SimPostgres::~SimPostgres() {
  network_.stop_listening(address_);
}

void SimPostgres::calm_down() {
  options_.menu = {};
}

void SimPostgres::shut_down() {
  while (!backends_.empty()) {
    backends_.begin()->second->die_with("57P01", "the database system is shutting down");
  }
}

bool SimPostgres::strikes(ServerFault fault) {
  const auto index = static_cast<std::size_t>(fault);
  if (options_.menu[index] == 0 || random_.below(10'000) >= options_.menu[index]) return false;
  ++fault_counts_[index];
  return true;
}

void SimPostgres::incoming(net::SimSocket socket, const net::Address&, const net::Address&) {
  const auto pid = ++last_pid_;
  const auto key = static_cast<std::uint32_t>(random_.next());
  backends_[pid] = std::make_unique<SimBackend>(*this, std::move(socket), pid, key);
  schedule_weather();
}

bool SimPostgres::counts(const SimBackend& backend) const {
  const auto gone_at = backend.peer_gone_at();
  if (!backend.counts() || gone_at.is_never()) return backend.counts();
  // A process cannot know of connections that broke off under the one before it.
  const bool unknown =
      backend.cut_off() && options_.process_since && gone_at < options_.process_since();
  return !unknown && network_.now() - gone_at <= options_.close_grace;
}

int SimPostgres::sessions_counted() const {
  return static_cast<int>(std::ranges::count_if(
      backends_, [this](const auto& backend) { return counts(*backend.second); }));
}

void SimPostgres::check_limits(int count, const std::string& user, const std::string& database) {
  if (options_.sessions_everywhere) count = options_.sessions_everywhere();
  if (options_.budget > 0 && count > options_.budget) {
    ledger_.finding("the budget of " + std::to_string(options_.budget) +
                    " is exceeded: " + std::to_string(count) + " sessions");
  }
  if (!options_.route_max) return;
  const auto of_route = std::ranges::count_if(backends_, [&](const auto& backend) {
    return counts(*backend.second) && backend.second->serves(user, database);
  });
  if (of_route > options_.route_max(database)) {
    ledger_.finding("too many sessions of " + user + " in " + database + ": " +
                    std::to_string(of_route));
  }
}

std::string SimPostgres::admit(const std::string& user, const std::string& database) {
  const int count = sessions_counted();
  sessions_peak_ = std::max(sessions_peak_, count);
  check_limits(count, user, database);
  if (network_.now() < starting_until_) {
    ++fault_counts_[static_cast<std::size_t>(ServerFault::start_refused)];
    return "57P03";
  }
  if (strikes(ServerFault::start_refused)) return "57P03";
  if (count > options_.sessions_max || strikes(ServerFault::too_many_clients)) return "53300";
  ++logins_;
  return {};
}

void SimPostgres::cancel_later(Duration delay, std::uint32_t pid, std::uint32_t key) {
  ++cancels_;
  if (delay == Duration{0}) return cancel(pid, key);
  network_.after(delay, [this, alive = std::weak_ptr(alive_), pid, key] {
    if (!alive.expired()) cancel(pid, key);
  });
}

void SimPostgres::cancel(std::uint32_t pid, std::uint32_t key) {
  const auto found = backends_.find(pid);
  if (found == backends_.end() || found->second->key() != key) return;
  found->second->cancel();
}

// A backend ends inside its own call; its remains are swept away by a later event.
void SimPostgres::ended(SimBackend* backend) {
  const auto found = backends_.find(backend->pid());
  if (found == backends_.end()) return;
  dead_.push_back(std::move(found->second));
  backends_.erase(found);
  network_.after(Duration{0}, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) dead_.clear();
  });
}

void SimPostgres::schedule_weather() {
  if (std::exchange(weather_scheduled_, true)) return;
  network_.after(kWeatherPeriod, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) weather();
  });
}

SimBackend* SimPostgres::random_backend() {
  auto found = backends_.begin();
  std::advance(found, static_cast<std::ptrdiff_t>(random_.below(backends_.size())));
  return found->second.get();
}

void SimPostgres::weather() {
  weather_scheduled_ = false;
  if (backends_.empty() || options_.menu == ServerFaultMenu{}) return;
  if (strikes(ServerFault::odd_notice)) {
    random_backend()->say({'N', error_message("NOTICE", "00000", "simulated notice").body});
  }
  if (strikes(ServerFault::odd_parameter)) {
    random_backend()->say(parameter_status("in_hot_standby", random_.one_in(2) ? "on" : "off"));
  }
  if (auto* backend = random_backend(); backend->idle() && strikes(ServerFault::death_idle)) {
    died_at('-');
    backend->die_with("57P01", "terminating connection due to administrator command");
  }
  if (strikes(ServerFault::restart)) restart();
  schedule_weather();
}

void SimPostgres::restart() {
  for (std::size_t i = 0; i < backends_.size(); ++i) died_at('r');
  shut_down();
  starting_until_ = network_.now() + random_.between(10ms, kStartingMax);
}

}  // namespace tidegate::sim
