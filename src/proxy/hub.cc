#include "proxy/hub.h"

#include <algorithm>
#include <utility>

#include "postgres/conversations.h"
#include "proxy/client.h"
#include "proxy/pool_gate.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"

namespace tidegate::proxy {
namespace {

// Whoever wants to listen waits no longer for the listener; then a server of its own has to do.
constexpr Duration kServerPatience = 5s;
// A listener that answers nothing for so long is given up.
constexpr Duration kAnswerPatience = 10s;
constexpr Duration kRestFirst = 100ms;
constexpr Duration kRestMax = 15s;
// The first request puts the server right, the second listens to all channels there are.
constexpr std::uint64_t kReadyAfter = 2;

}  // namespace

Hub::~Hub() = default;

// --- From any worker ---

void Hub::listen(Worker& from, const std::shared_ptr<Route>& route, Wish wish) {
  Worker* home = nullptr;
  if (home_.compare_exchange_strong(home, &from)) home = &from;
  home->post(
      [hub = shared_from_this(), route, wish = std::move(wish)] { hub->listen_here(route, wish); });
}

void Hub::unlisten(Wish wish) {
  auto* home = home_.load();
  if (home == nullptr) return;
  home->post([hub = shared_from_this(), wish = std::move(wish)] { hub->unlisten_here(wish); });
}

void Hub::leave(const Subscriber& who) {
  auto* home = home_.load();
  if (home == nullptr) return;
  home->post([hub = shared_from_this(), who] {
    std::erase_if(hub->pending_, [&](const auto& each) { return each.who == who; });
    hub->remove(who, hub->subscriptions_.of(who));
  });
}

void Hub::want_barrier(Worker& from, const Subscriber& who) {
  Worker* home = nullptr;
  if (home_.compare_exchange_strong(home, &from)) home = &from;
  home->post([hub = shared_from_this(), who] { hub->barrier_here(who); });
}

void Hub::sends_by(std::uint32_t process_id, std::uint32_t told) {
  const std::scoped_lock hold(senders_lock_);
  senders_[process_id] = told;
}

void Hub::sent_all(std::uint32_t process_id) {
  const std::scoped_lock hold(senders_lock_);
  senders_.erase(process_id);
}

std::uint32_t Hub::sender_of(std::uint32_t process_id) {
  const std::scoped_lock hold(senders_lock_);
  const auto found = senders_.find(process_id);
  return found == senders_.end() ? process_id : found->second;
}

// --- Wishes ---

void Hub::listen_here(const std::shared_ptr<Route>& route, const Wish& wish) {
  std::vector<std::string> first;
  for (const auto& channel : wish.channels) {
    if (subscriptions_.add(wish.who, channel)) first.push_back(channel);
  }
  changed();
  if (state_ == State::idle) begin(route);
  if (state_ == State::resting && wish.request != 0) {  // nobody is kept waiting for long
    disarm();
    want_server(false);
  }
  if (state_ == State::linked && !first.empty()) {
    conversation_->listen(first);
    ++asked_;
    watch();
  }
  describe();
  if (wish.request == 0) return;
  pending_.push_back({wish.who, wish.request, state_ == State::linked ? asked_ : 0});
  if (state_ == State::linked) answer(true, answered_);
}

void Hub::unlisten_here(const Wish& wish) {
  remove(wish.who, wish.channels);
}

void Hub::remove(const Subscriber& who, const std::vector<std::string>& channels) {
  for (const auto& channel : channels) {
    if (!subscriptions_.remove(who, channel) || state_ != State::linked) continue;
    conversation_->unlisten(channel);
    ++asked_;
    watch();
  }
  changed();
  if (subscriptions_.empty() && state_ != State::idle) return end();
  describe();
}

void Hub::barrier_here(const Subscriber& who) {
  if (state_ != State::linked) return pass_barrier({who});
  later_barriers_.push_back(who);
  if (barrier_number_ == 0) send_barrier();
}

// Those who come while it is on its way wait for the next: it may have overtaken what they did.
void Hub::send_barrier() {
  barriers_ = std::exchange(later_barriers_, {});
  barrier_number_ = 0;
  if (barriers_.empty()) return;
  conversation_->barrier();
  barrier_number_ = ++asked_;
  watch();
}

// Behind the notifications that were posted to each worker.
void Hub::pass_barrier(std::vector<Subscriber> waiting) {
  if (waiting.empty()) return;
  auto& process = home_.load()->process();
  const auto tell = [&process, waiting = std::move(waiting)] {
    for (const auto& who : waiting) {
      auto& worker = process.worker(who.worker);
      worker.post([&worker, id = who.client] {
        if (auto* client = worker.find(id)) client->barrier_passed();
      });
    }
  };
  const auto workers = subscriptions_.workers();
  if (workers.empty()) return tell();
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers.size());
  for (const auto index : workers) {
    process.worker(index).post([left, tell] {
      if (left->fetch_sub(1) == 1) tell();
    });
  }
}

// --- The listener ---

void Hub::begin(const std::shared_ptr<Route>& route) {
  route_ = route;
  slot_ = home_.load()->keep_listener(shared_from_this());
  rest_ = kRestFirst;
  missed_ = false;
  want_server(false);
}

pool::WaiterId Hub::waiter() const {
  return waiter_of({home_.load()->index(), {slot_, 0}});
}

void Hub::want_server(bool again) {
  auto& home = *home_.load();
  const auto now = home.reactor().now();
  if (!again) {
    ++wait_number_;
    wait_since_ = now;
  }
  state_ = State::waiting;
  home.gate(route_->upstream())
      .client_wants({.route = route_->id(),
                     .waiter = waiter(),
                     .number = wait_number_,
                     .worker = home.index(),
                     .kind = HoldKind::listen,
                     .priority = 0,
                     .deadline = wait_since_ + kServerPatience,
                     .again = again,
                     .since = wait_since_});
}

void Hub::want_again(std::uint32_t wait) {
  if (waits(wait)) want_server(true);
}

void Hub::link(Server& server) {
  state_ = State::linked;
  server_ = &server;
  conversation_ = postgres::make_listener_conversation(*this);
  conversation_->linked(server.conversation());
  conversation_->listen(subscriptions_.channels());
  asked_ = kReadyAfter;
  answered_ = 0;
  for (auto& each : pending_) each.need = asked_;
  describe();
  watch();
}

// There is none to be had: those who wait for it have to do without.
void Hub::refuse(Reason reason) {
  home_.load()->log().write(LogLevel::warning, "no listener",
                            {{"reason", name(reason)}, {"database", route_->database()}});
  answer(false, UINT64_MAX);
  rest();
}

void Hub::server_lost(Reason, const std::string& detail) {
  server_ = nullptr;
  if (conversation_) conversation_->server_lost();
  lose(detail);
}

void Hub::lose(std::string_view why) {
  auto& home = *home_.load();
  home.log().write(LogLevel::warning, "listener lost",
                   {{"detail", why},
                    {"database", route_->database()},
                    {"subscriptions", subscriptions_.count()}});
  missed_ |= answered_ >= kReadyAfter;
  if (answered_ >= kReadyAfter) rest_ = kRestFirst;
  conversation_.reset();
  if (auto* server = std::exchange(server_, nullptr)) server->drop(Reason::server_lost);
  for (auto& each : pending_) each.need = 0;
  barrier_number_ = 0;
  pass_barrier(std::exchange(barriers_, {}));
  pass_barrier(std::exchange(later_barriers_, {}));
  rest();
}

// Until it is tried again; nobody who asks meanwhile is kept waiting for long.
void Hub::rest() {
  if (subscriptions_.empty()) return end();
  state_ = State::resting;
  disarm();
  if (home_.load()->closing_servers()) return answer(false, UINT64_MAX);
  arm(rest_);
  rest_ = std::min(kRestMax, rest_ * 2);
}

void Hub::end() {
  auto& home = *home_.load();
  if (state_ == State::waiting) home.gate(route_->upstream()).client_gone(waiter());
  state_ = State::idle;
  disarm();
  conversation_.reset();
  if (auto* server = std::exchange(server_, nullptr)) server->drop(Reason::surplus);
  answer(false, UINT64_MAX);
  barrier_number_ = 0;
  pass_barrier(std::exchange(barriers_, {}));
  pass_barrier(std::exchange(later_barriers_, {}));
  route_.reset();
  home.let_listener_go(slot_);
}

void Hub::stop() {
  disarm();
  conversation_.reset();
  server_ = nullptr;
  route_.reset();
  state_ = State::idle;
}

// --- Answers ---

void Hub::listener_answered() {
  ++answered_;
  if (answered_ == kReadyAfter) {
    rest_ = kRestFirst;
    if (std::exchange(missed_, false)) tell_missed();
  }
  answer(true, answered_);
  if (barrier_number_ != 0 && answered_ >= barrier_number_) {
    pass_barrier(std::exchange(barriers_, {}));
    send_barrier();
  }
}

// A standby, for one. Those who want to listen are told by the server that they ask themselves. The
// conversation is in the middle of its step.
void Hub::listener_refused(std::string_view why) {
  home_.load()->later([hub = shared_from_this(), why = std::string(why), server = server_] {
    if (hub->state_ != State::linked || hub->server_ != server) return;
    hub->answer(true, UINT64_MAX);
    hub->lose(why);
  });
}

void Hub::answer(bool granted, std::uint64_t up_to) {
  auto waiting = std::exchange(pending_, {});
  for (const auto& each : waiting) {
    const bool settled = up_to == UINT64_MAX || (each.need != 0 && each.need <= up_to);
    settled ? answer(each.who, each.request, granted) : pending_.push_back(each);
  }
}

void Hub::answer(const Subscriber& who, std::uint32_t request, bool granted) {
  session::Hearing hearing{request, granted, conversation_ ? conversation_->encoding() : ""};
  auto& worker = home_.load()->process().worker(who.worker);
  worker.post([&worker, id = who.client, hearing = std::move(hearing)] {
    if (auto* client = worker.find(id)) client->hearing(hearing);
  });
}

void Hub::notified(session::NotificationRef notification) {
  auto& process = home_.load()->process();
  for (const auto& [index, clients] : subscriptions_.listeners(notification->channel)) {
    auto& worker = process.worker(index);
    worker.post([&worker, clients, notification] {
      for (const auto id : *clients) {
        if (auto* client = worker.find(id)) client->notified(notification);
      }
    });
  }
}

void Hub::tell_missed() {
  auto& process = home_.load()->process();
  for (const auto& who : subscriptions_.everybody()) {
    auto& worker = process.worker(who.worker);
    worker.post([&worker, id = who.client] {
      if (auto* client = worker.find(id)) client->notifications_missed();
    });
  }
}

// --- Time ---

// For an answer, as long as one is owed.
void Hub::watch() {
  if (timer_) return;
  watched_ = answered_;
  arm(kAnswerPatience);
}

void Hub::timer_fired(net::TimerId, std::uint64_t) {
  timer_ = {};
  if (state_ == State::resting) return want_server(false);
  if (state_ != State::linked || answered_ == asked_) return;
  if (answered_ == watched_) return lose("it does not answer");
  watch();
}

void Hub::arm(Duration after) {
  auto& reactor = home_.load()->reactor();
  timer_ = reactor.arm(reactor.now() + after, this, 0);
}

void Hub::disarm() {
  if (timer_) home_.load()->reactor().disarm(timer_);
  timer_ = {};
}

// For SHOW SERVERS.
void Hub::describe() {
  if (server_ == nullptr) return;
  server_->set_pin(std::to_string(subscriptions_.count()) + " subscriptions");
}

}  // namespace tidegate::proxy
