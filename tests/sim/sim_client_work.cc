// A logged-in simulated client at work: sending exchanges, and holding every reply against what
// its model of the session says.
#include <algorithm>
#include <array>

#include "auth/scram.h"
#include "sim/sim_client.h"

namespace tidegate::sim {

namespace {

// Hears which marks an exchange commits, in the client's own model.
class MarkCollector final : public Witness {
 public:
  explicit MarkCollector(std::vector<std::string>& marks) : marks_(marks) {}
  void executed(const std::string&) override {}
  void committed(const std::string& mark) override { marks_.push_back(mark); }

 private:
  std::vector<std::string>& marks_;
};

// Whether PostgreSQL, after an error, would skip everything until a Sync that was not sent yet:
// behind a Flush, or while COPY data are held back.
bool lacks_sync(const Exchange& exchange) {
  const auto sent = exchange.hold_from > 0 ? exchange.hold_from : exchange.messages.size();
  return exchange.messages[0].type != 'Q' && exchange.messages[sent - 1].type != 'S';
}

}  // namespace

void SimClient::pump() {
  while (state_ == State::working && !thinking_ && !error_taken_ && !fatal_taken_ && !doomed_) {
    if (cancel_ && !cancel_->done() && !cancel_->loose()) return;
    if (random_.one_in(100) && whim(Whim::vanish)) return rest();  // in a transaction, perhaps
    if (planned_.empty()) {
      if (session_left_ <= 0 || transactions_left_ <= 0) {
        if (under_way_.empty()) leave();
        return;
      }
      --session_left_;
      --transactions_left_;
      ++world_.totals.begun;
      depth_ = random_.one_in(3) ? static_cast<int>(random_.between(1, world_.depth_max)) : 1;
      workload_.next(planned_);
    }
    if (static_cast<int>(under_way_.size()) >= depth_) return;
    const bool alone = planned_.front().cancellable || planned_.front().hold_from > 0;
    const bool holding =
        !under_way_.empty() && (under_way_.back().cancellable || under_way_.back().hold_from > 0);
    if (!under_way_.empty() && (alone || holding)) return;
    auto exchange = std::move(planned_.front());
    planned_.pop_front();
    send(std::move(exchange));
  }
}

void SimClient::send(Exchange exchange) {
  if (exchange.cancellable) before_ = std::make_unique<SimSession>(*model_);
  fill_in(exchange);
  exchange.cancel_may_hit = cancel_may_come();
  doomed_ = exchange.forbidden;
  std::string bytes;
  const auto end = exchange.hold_from > 0 ? exchange.hold_from : exchange.messages.size();
  for (std::size_t i = 0; i < end; ++i) {
    trace("-> " + to_text(exchange.messages[i]));
    append(bytes, exchange.messages[i]);
  }
  ++world_.totals.exchanges;
  const bool cancellable = exchange.cancellable;
  const bool nothing_due = exchange.expected.empty();
  under_way_.push_back(std::move(exchange));
  if (whim(Whim::slow_reader)) {
    reading_paused_ = true;
    later(random_.between(1ms, 2s), [this] {
      reading_paused_ = false;
      socket_changed();
    });
  }
  write(bytes);
  if (cancellable)
    maybe_cancel();
  else if (random_.one_in(8) && whim(Whim::cancel_any_time))
    cancel_at_any_time();
  if (doomed_) {
    later(world_.patience, [this] { finding("its route lets it begin a transaction"); });
  }
  if (nothing_due && under_way_.size() == 1) complete();
}

// Asks the model what the answer will be.
void SimClient::fill_in(Exchange& exchange) {
  MarkCollector collector(exchange.marks);
  Messages replies;
  for (const auto& message : exchange.messages) model_->take(message, replies, &collector);
  for (auto& reply : replies) {
    if (reply.type != 'S') exchange.expected.push_back(std::move(reply));
  }
  exchange.reported = reported_text(model_->settings());
}

void SimClient::maybe_cancel() {
  const bool loose = whim(Whim::cancel_and_go_on);
  if (!loose && !random_.one_in(3)) return;
  if (!loose) count(Whim::cancel);
  later(random_.between(Duration{0}, 100ms), [this, loose] {
    if (under_way_.empty() || !under_way_.front().cancellable) return;
    if (cancel_ != nullptr && !cancel_->done()) return;  // one at a time is waited for
    cancel_asked_ = true;
    send_cancel(loose);
  });
}

// Whatever the session does by then: it runs, waits for a server, has just been answered, rests.
void SimClient::cancel_at_any_time() {
  later(random_.one_in(2) ? Duration{0} : random_.between(Duration{0}, 20ms), [this] {
    if (state_ != State::working || (cancel_ != nullptr && !cancel_->done())) return;
    send_cancel(true);
  });
}

void SimClient::send_cancel(bool loose) {
  trace("sends a cancel request");
  for (auto& exchange : under_way_) exchange.cancel_may_hit = true;
  cancel_ = std::make_unique<Cancel>(*this, loose);
}

// --- Replies ---

void SimClient::take_reply(const Message& message) {
  if (message.type == 'N') return;
  if (message.type == 'S') {
    ByteReader reader(as_bytes(message.body));
    const std::string name(reader.cstring());
    told_[name] = reader.cstring();
    return;
  }
  trace("<- " + to_text(message));
  if (fatal_taken_) return finding("a message after a FATAL error: " + to_text(message));
  if (error_taken_) return take_after_error(message);
  if (under_way_.empty()) {
    if (message.type == 'E') return take_error(message);
    return finding("a message that nobody asked for: " + to_text(message));
  }
  auto& front = under_way_.front();
  if (matched_ < front.expected.size() && message == front.expected[matched_]) {
    ++matched_;
    if (message.type == 'Z') status_ = message.body[0];
    if (message.type == 'G' && front.hold_from > 0) {
      std::string bytes;
      for (std::size_t i = front.hold_from; i < front.messages.size(); ++i) {
        append(bytes, front.messages[i]);
      }
      write(bytes);
    }
    if (matched_ == front.expected.size()) complete();
    return;
  }
  if (message.type == 'E') return take_error(message);
  finding("expected " +
          (matched_ < front.expected.size() ? to_text(front.expected[matched_]) : "nothing") +
          ", got " + to_text(message));
  rest();
}

void SimClient::take_error(const Message& message) {
  const auto sqlstate = error_field(message, 'C');
  if (sqlstate == "57014" && cancel_asked_ && !under_way_.empty() &&
      under_way_.front().cancellable) {
    return take_cancelled(message);
  }
  if (!take_dismissal(message) && !excused(sqlstate)) {
    finding("an error that nothing excuses: " + sqlstate + " " + error_field(message, 'M'));
  }
  if (doomed_ && sqlstate == "0A000") {
    ++world_.totals.transactions;  // as intended
    under_way_.empty() ? --transactions_left_ : under_way_.front().ends_work = false;
  }
  ++world_.totals.excused[sqlstate];
  error_taken_ = true;
  fatal_taken_ = error_field(message, 'V') == "FATAL";
  if (!fatal_taken_ && !under_way_.empty() && lacks_sync(under_way_.back())) {
    std::string bytes;
    append(bytes, {'S', {}});
    write(bytes);
  }
  later(60s, [this] {
    finding("neither ReadyForQuery nor an end after an error");
    rest();
  });
}

// The process leaves and this client is at rest: its transaction is over, and what it has sent
// since has not been begun, and will not be.
bool SimClient::take_dismissal(const Message& message) {
  if (error_field(message, 'M').find("the pooler is shutting down") == std::string::npos) {
    return false;
  }
  if (!may_be_dismissed()) finding("dismissed by a process that does not leave");
  ++attempts_left_;
  if (may_be_cut_off()) return true;
  ++world_.totals.dismissed;
  if (status_ != 'I' || has_begun()) finding("dismissed in the middle of its work");
  dismissed_ = true;
  return true;
}

// What is answered for certain by the database: a Parse or Close may need none.
bool SimClient::has_begun() const {
  const auto needs_server = [](const Message& reply) {
    return reply.type != '1' && reply.type != '3';
  };
  if (under_way_.empty()) return false;
  const auto& expected = under_way_.front().expected;
  return std::any_of(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(matched_),
                     needs_server);
}

bool SimClient::excused(const std::string& sqlstate) const {
  static constexpr std::array<std::string_view, 7> kLosses = {"57P01", "57P03", "57P05", "08006",
                                                              "08001", "53300", "58000"};
  if (sqlstate == "57014") return !under_way_.empty() && under_way_.front().cancel_may_hit;
  if (sqlstate == "0A000") return doomed_;
  for (const auto loss : kLosses) {
    if (sqlstate == loss) return !world_.calm;
  }
  return false;
}

// The statement was cancelled as asked: the model takes it back and fails instead.
void SimClient::take_cancelled(const Message&) {
  auto& front = under_way_.front();
  ++world_.totals.cancelled;
  *model_ = *before_;
  Messages ignored;
  model_->cancel(ignored);
  front.expected.clear();
  front.marks.clear();
  fill_in(front);
  matched_ = 1;
  if (matched_ == front.expected.size()) complete();
}

// One error, then ReadyForQuery or the end. What follows in this session is not modelled: the
// client goes.
void SimClient::take_after_error(const Message& message) {
  // The error was one statement's; before the Sync behind it is answered the session may end too.
  const bool fatal = message.type == 'E' && error_field(message, 'V') == "FATAL";
  if (fatal && (take_dismissal(message) || excused(error_field(message, 'C')))) {
    fatal_taken_ = true;
    return;
  }
  if (message.type == 'E') return finding("a second error: " + to_text(message));
  if (message.type != 'Z') return finding("after an error: " + to_text(message));
  rest();
}

void SimClient::complete() {
  auto exchange = std::move(under_way_.front());
  under_way_.pop_front();
  matched_ = 0;
  cancel_asked_ = false;
  if (exchange.forbidden)
    ++transactions_left_;  // its error is still to come
  else
    world_.totals.transactions += exchange.ends_work;
  if (exchange.expected.empty() || exchange.expected.back().type != 'Z') status_ = '?';
  for (const auto& mark : exchange.marks) world_.ledger.promised(mark);
  check_reported(exchange);
  if (state_ != State::working) return;
  if (random_.one_in(3)) {
    thinking_ = true;
    const auto time = mode_ != PoolMode::session && whim(Whim::think_long)
                          ? random_.between(100ms, world_.think_max)
                          : random_.between(Duration{0}, 5ms);
    later(time, [this] {
      thinking_ = false;
      pump();
    });
  }
  // An exchange without replies is over as soon as it is at the front.
  if (!under_way_.empty() && under_way_.front().expected.empty()) return complete();
  pump();
}

void SimClient::check_reported(const Exchange& exchange) {
  if (exchange.expected.empty() || exchange.expected.back().type != 'Z') return;
  if (reported_text(told_) == exchange.reported) return;
  finding("told of settings: " + reported_text(told_) + ", true is: " + exchange.reported);
}

}  // namespace tidegate::sim
