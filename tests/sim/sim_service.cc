#include "sim/sim_service.h"

#include <utility>

namespace tidegate::sim {

namespace {

// How often a leaving process looks around, as in cli.
constexpr Duration kDrainLook = 50ms;
constexpr Duration kStopLook = 10ms;
// Longer than anything in the proxy takes to come to rest: lingering, cleaning up, closing.
constexpr Duration kRestTime = 30s;
// Longer than a process that is leaving or away needs to be back, when its clients are gone.
constexpr Duration kBackTime = 60s;

}  // namespace

SimService::SimService(const RunPlan& plan, net::SimNetwork& network, Ledger& ledger,
                       Outlook& outlook, Trace trace)
    : plan_(plan), network_(network), ledger_(ledger), outlook_(outlook), trace_(std::move(trace)) {
  start();
}

void SimService::start() {
  proxy_ = std::make_unique<SimProxy>(plan_, network_, ledger_, trace_);
  state_ = State::serving;
  outlook_.serving = true;
  outlook_.serving_since = network_.now();
  trace("listens");
}

void SimService::worked(std::uint64_t transactions) {
  if (state_ != State::serving || leaves_ == plan_.leaves.size()) return;
  const auto& next = plan_.leaves[leaves_];
  if (transactions < next.at_transaction) return;
  ++leaves_;
  leave(next.shutdown_timeout, next.away);
}

void SimService::leave(Duration shutdown_timeout, Duration away) {
  trace("leaves");
  state_ = State::leaving;
  outlook_.serving = false;
  ++outlook_.leaves;
  shutdown_timeout_ = shutdown_timeout;
  away_ = away;
  since_ = network_.now();
  proxy_->leave();
  later(kDrainLook, &SimService::look);
}

void SimService::look() {
  if (proxy_->clients_are_gone()) return stop(false);
  if (shutdown_timeout_ > Duration{0} && network_.now() - since_ > shutdown_timeout_) {
    return stop(true);
  }
  later(kDrainLook, &SimService::look);
}

void SimService::stop(bool at_once) {
  trace(at_once ? "leaves at once" : "has no more clients");
  at_once_ = at_once;
  state_ = State::stopping;
  if (at_once) outlook_.last_at_once = outlook_.leaves;
  proxy_->close_servers();
  since_ = network_.now();
  later(kStopLook, &SimService::look_at_servers);
}

void SimService::look_at_servers() {
  const bool waited = network_.now() - since_ > plan_.server.close_grace + kStopLook * 2;
  const bool busy =
      (proxy_->servers_left() > 0 && !waited) || proxy_->last_words_left() > 0;  // ends by itself
  if (busy && !at_once_) return later(kStopLook, &SimService::look_at_servers);
  if (!at_once_) {
    proxy_->check_no_clients_left();
    proxy_->check_no_servers_left();
  }
  left();
}

void SimService::left() {
  proxy_.reset();
  state_ = State::away;
  trace("left");
  if (last_) return;
  ++(at_once_ ? broken_off_ : in_good_order_);
  later(away_, &SimService::start);
}

void SimService::end() {
  const auto back_by = network_.now() + kBackTime;
  while (state_ != State::serving && network_.now() < back_by && network_.step()) {
  }
  if (state_ != State::serving) return ledger_.finding("the process did not come back");
  network_.run_until(network_.now() + kRestTime);
  proxy_->check_no_clients_left();
  if (!ledger_.findings().empty()) return;
  last_ = true;
  leave(Duration{0}, Duration{0});
  network_.run_until(network_.now() + kRestTime);
  if (state_ != State::away) ledger_.finding("the process does not end");
}

void SimService::later(Duration delay, void (SimService::*step)()) {
  network_.after(delay, [this, alive = std::weak_ptr(alive_), step] {
    if (!alive.expired()) (this->*step)();
  });
}

void SimService::trace(std::string_view what) {
  if (!trace_) return;
  trace_("process " + std::to_string(network_.now().ns / 1000) + " us " + std::string(what));
}

}  // namespace tidegate::sim
