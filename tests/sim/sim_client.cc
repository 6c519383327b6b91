// The life of a simulated client: connecting, leaving in every way, and starting again.
#include "sim/sim_client.h"

#include "auth/scram.h"

namespace tidegate::sim {

namespace {

constexpr int kAttemptsMax = 3000;
constexpr std::size_t kHistoryMax = 24;
constexpr std::size_t kDripBytes = 7;
constexpr std::uint32_t kClientNet = 0x100000;

}  // namespace

SimClient::SimClient(ClientWorld& world, const Person& person, const HabitWeights& habits)
    : world_(world),
      random_(world.network.random().fork()),
      number_(person.number),
      user_(person.user),
      database_(person.database),
      mode_(person.mode),
      workload_(number_, random_.fork(), habits, world.totals.habits, mode_ != PoolMode::statement),
      transactions_left_(person.transactions),
      attempts_left_(kAttemptsMax) {}

SimClient::~SimClient() = default;

void SimClient::start() {
  later(random_.between(Duration{0}, 200ms), [this] { connect(); });
}

void SimClient::connect() {
  if (--attempts_left_ < 0) {
    finding("gives up: it cannot get a session");
    state_ = State::finished;
    return;
  }
  state_ = State::connecting;
  // One that comes while a process leaves is sent away by that one.
  leaves_before_ = world_.outlook.leaves - (world_.outlook.serving ? 0 : 1);
  const auto from = net::sim_address(kClientNet + static_cast<std::uint32_t>(number_), 40000);
  attempt_ = world_.network.connect(from, world_.target,
                                    [this, alive = std::weak_ptr(alive_), life = life_](
                                        net::SimSocket socket, net::CloseReason outcome) {
                                      if (!alive.expired() && life == life_)
                                        connected(std::move(socket), outcome);
                                    });
}

void SimClient::connected(net::SimSocket socket, net::CloseReason outcome) {
  if (outcome != net::CloseReason::local) {
    ++world_.totals.excused["connect"];
    if (may_be_dismissed()) ++attempts_left_;  // nobody is there to hear it
    return rest();
  }
  socket_ = std::move(socket);
  socket_.watch(this);
  drip_ = whim(Whim::slow_writer);
  if (whim(Whim::leave_in_login)) {
    later(random_.between(Duration{0}, 5ms), [this] {
      if (state_ != State::working) rest();
    });
  }
  mistake_ = Mistake::none;
  if (!world_.direct && world_.proven && random_.one_in(4) && whim(Whim::wrong_password)) {
    mistake_ = Mistake::wrong_password;
  } else if (!world_.direct && random_.one_in(4) && whim(Whim::unknown_database)) {
    mistake_ = Mistake::unknown_database;
  }
  if (whim(Whim::gss_first)) return ask_security(kGssRequestCode);
  begin_security();
}

void SimClient::socket_changed() {
  if (!socket_) return;
  flush();
  if (socket_ && !reading_paused_) read();
}

void SimClient::read() {
  const auto life = life_;
  std::uint8_t buffer[16 * 1024];
  for (auto count = socket_.receive(buffer); count > 0; count = socket_.receive(buffer)) {
    reader_.push(as_text(Bytes(buffer).first(count)));
  }
  while (life == life_ && socket_) {
    if (state_ == State::ssl_answer) {
      if (!take_ssl_answer()) break;
      continue;
    }
    if (state_ == State::securing) {
      if (!take_hello()) break;
      continue;
    }
    const auto message = reader_.next();
    if (!message) break;
    if (state_ == State::logging_in)
      take_login(*message);
    else
      take_reply(*message);
  }
  if (life != life_ || !socket_) return;
  if (reader_.malformed()) finding("received a malformed message");
  if (socket_.at_end()) return ended("end");
  if (socket_.was_reset()) return ended("reset");
}

// The connection is over and it was not this client that ended it.
void SimClient::ended(std::string_view how) {
  trace("connection over: " + std::string(how));
  const bool error_told = fatal_taken_ || error_taken_;
  const bool announced = error_told || (state_ == State::leaving && under_way_.empty());
  // A server that dies inside a message leaves no way to say so.
  const bool cut_short = !world_.calm && !reader_.buffered().empty();
  const bool left = may_be_dismissed() &&
                    (state_ < State::working || may_be_cut_off() || world_.network.words_lost());
  const bool excused = world_.links_may_break || cut_short || left ||
                       (state_ < State::working && world_.logins_may_break);
  if (left) ++attempts_left_;
  if (!announced && !excused) {
    finding("connection closed without a word (" + std::string(how) + "): " + describe());
  }
  if (!announced) ++world_.totals.excused[std::string(how)];
  rest();
}

// Whatever is still under way ends in the unknown, and has to be done again.
void SimClient::rest() {
  for (auto& exchange : under_way_) {
    if (!dismissed_) give_up(exchange);
    transactions_left_ += exchange.ends_work;
  }
  for (const auto& exchange : planned_) transactions_left_ += exchange.ends_work;
  if (attempt_) attempt_->abandoned = true;
  ++life_;
  socket_ = {};
  cancel_.reset();
  reader_ = {};
  output_.clear();
  scram_.reset();
  planned_.clear();
  under_way_.clear();
  told_.clear();
  matched_ = 0;
  reading_paused_ = dripping_ = finish_after_output_ = thinking_ = false;
  error_taken_ = fatal_taken_ = dismissed_ = doomed_ = secured_ = false;
  cancel_asked_ = cancel_unsure_ = false;
  status_ = 'I';
  security_asked_ = 0;
  if (transactions_left_ <= 0) {
    state_ = State::finished;
    return;
  }
  state_ = State::resting;
  later(random_.between(Duration{0}, 300ms), [this] { connect(); });
}

// What a cancel hit may have failed instead of what the model thought, so every tag in it counts.
void SimClient::give_up(Exchange& exchange) {
  for (const auto& mark : exchange.marks) world_.ledger.uncertain(mark);
  for (const auto& message : exchange.messages) {
    for (auto at = message.body.find("tag:"); at != std::string::npos;) {
      const auto end = message.body.find_first_not_of("tag:.0123456789", at);
      world_.ledger.uncertain(message.body.substr(at, end - at));
      at = message.body.find("tag:", end);
    }
  }
}

// --- Leaving ---

void SimClient::leave() {
  if (whim(Whim::vanish)) return rest();
  for (const auto way :
       {Whim::leave_after_query, Whim::leave_at_once, Whim::half_close, Whim::reset_mid_query}) {
    if (whim(way)) return leave_with_query(way);
  }
  count(Whim::leave_politely);
  state_ = State::leaving;
  std::string bytes;
  append(bytes, {'X', {}});
  write(bytes);
  later(world_.patience, [this] {
    finding("not closed after Terminate");
    rest();
  });
}

// PostgreSQL runs a complete statement, whatever comes behind it.
void SimClient::leave_with_query(Whim way) {
  state_ = State::leaving;
  auto exchange = workload_.last_words();
  fill_in(exchange);
  exchange.cancel_may_hit = cancel_may_come();
  std::string bytes;
  append(bytes, exchange.messages[0]);
  if (way == Whim::leave_after_query || way == Whim::leave_at_once) append(bytes, {'X', {}});
  trace(std::string(kWhimNames[static_cast<std::size_t>(way)]) + " -> " +
        to_text(exchange.messages[0]));
  under_way_.push_back(std::move(exchange));
  if (way == Whim::half_close) finish_after_output_ = true;
  if (way == Whim::leave_at_once) drip_ = false;
  write(bytes);
  if (way == Whim::leave_at_once && output_.empty()) {
    if (world_.calm && !world_.unasked_may_come && !world_.process_leaves && !cancel_may_come()) {
      for (const auto& mark : under_way_.front().marks) world_.ledger.promised(mark);
    }
    return rest();
  }
  if (way == Whim::reset_mid_query) {
    return later(random_.between(Duration{0}, 3ms), [this] {
      socket_.reset();
      rest();
    });
  }
  later(world_.patience, [this] {
    finding("not closed after its last query");
    rest();
  });
}

// --- Bytes out ---

void SimClient::write(std::string_view bytes) {
  output_ += bytes;
  flush();
}

void SimClient::flush() {
  while (!output_.empty() && !dripping_) {
    const auto piece =
        drip_ ? std::min(output_.size(), kDripBytes + random_.below(100)) : output_.size();
    const auto sent = socket_.send(as_bytes(output_).first(piece));
    output_.erase(0, sent);
    if (sent < piece) return;
    if (!drip_ || output_.empty()) continue;
    dripping_ = true;
    later(random_.between(10us, 3ms), [this] {
      dripping_ = false;
      flush();
    });
  }
  if (output_.empty() && finish_after_output_) socket_.finish();
}

// --- Odds and ends ---

bool SimClient::cancel_may_come() const {
  return cancel_unsure_ || (cancel_ && !cancel_->done());
}

bool SimClient::whim(Whim whim) {
  if (!random_.percent(world_.whim_percent)) return false;
  ++world_.totals.whims[static_cast<std::size_t>(whim)];
  return true;
}

void SimClient::finding(const std::string& text) {
  std::string full = "client " + std::to_string(number_) + ": " + text;
  for (const auto& line : history_) full += "\n      " + line;
  world_.ledger.finding(std::move(full));
}

void SimClient::trace(const std::string& text) {
  history_.push_back(std::to_string(world_.network.now().ns / 1000) + " us " + text);
  if (history_.size() > kHistoryMax) history_.pop_front();
  if (world_.trace) world_.trace("client " + std::to_string(number_) + " " + history_.back());
}

std::string SimClient::describe() const {
  static constexpr std::string_view kStates[] = {"resting",  "connecting", "ssl_answer",
                                                 "securing", "logging_in", "working",
                                                 "leaving",  "finished"};
  std::string text = "client " + std::to_string(number_) + " is " +
                     std::string(kStates[static_cast<int>(state_)]) + ", " +
                     std::to_string(under_way_.size()) + " exchanges under way, " +
                     std::to_string(transactions_left_) + " transactions left";
  if (!under_way_.empty() && matched_ < under_way_.front().expected.size()) {
    text += ", waits for " + to_text(under_way_.front().expected[matched_]);
  }
  for (const auto& line : history_) text += "\n      " + line;
  return text;
}

// --- Cancel ---

SimClient::Cancel::Cancel(SimClient& client, bool loose)
    : client_(client), life_(client.life_), loose_(loose) {
  append_untyped(
      output_,
      std::string(
          Body().int32(kCancelRequestCode).int32(client.cancel_pid_).int32(client.cancel_key_)));
  const auto from =
      net::sim_address(kClientNet + static_cast<std::uint32_t>(client.number_), 41000);
  client.world_.network.connect(
      from, client.world_.target,
      [this, alive = std::weak_ptr(alive_)](net::SimSocket socket, net::CloseReason outcome) {
        if (alive.expired()) return;
        if (outcome != net::CloseReason::local) return over(true);
        socket_ = std::move(socket);
        socket_.watch(this);
        socket_changed();
      });
}

void SimClient::Cancel::socket_changed() {
  if (done_) return;
  output_.erase(0, socket_.send(as_bytes(output_)));
  std::uint8_t ignored[64];
  while (socket_.receive(ignored) > 0) continue;
  if (socket_.at_end()) return over(true);
  if (socket_.was_reset()) over(false);
}

void SimClient::Cancel::over(bool sure) {
  done_ = true;
  socket_ = {};
  client_.trace(sure ? "cancel request was taken" : "cancel request broke off");
  if (client_.life_ != life_) return;
  client_.cancel_unsure_ = client_.cancel_unsure_ || !sure;
  client_.pump();
}

}  // namespace tidegate::sim
