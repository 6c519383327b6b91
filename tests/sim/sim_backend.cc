#include "sim/sim_backend.h"

#include "auth/scram.h"
#include "net/sim_tls.h"
#include "sim/sim_postgres.h"

namespace tidegate::sim {

namespace {

// A reply that is not taken by the peer stops the session from reading on.
constexpr std::size_t kOutputMax = 64 * 1024;
constexpr std::uint32_t kScramIterations = 2;  // cheap on purpose: the sum is not what is tested

Message authentication(std::uint32_t code, std::string_view data = {}) {
  return {'R', Body().int32(code).raw(data)};
}

}  // namespace

SimBackend::SimBackend(SimPostgres& postgres, net::SimSocket socket, std::uint32_t pid,
                       std::uint32_t key)
    : postgres_(postgres), socket_(std::move(socket)), pid_(pid), key_(key) {
  socket_.watch(this);
}

SimBackend::~SimBackend() = default;

template <typename Step>
void SimBackend::later(Duration delay, Step step) {
  postgres_.network().after(delay, [alive = std::weak_ptr(alive_), step] {
    if (!alive.expired()) step();
  });
}

void SimBackend::socket_changed() {
  if (state_ == State::dead) return;
  // Like PostgreSQL, it notices a reset only between two statements.
  if (socket_.was_reset() && !running_) return die(End::reset);
  flush();
  std::uint8_t buffer[16 * 1024];
  while (output_.size() < kOutputMax) {
    const auto count = socket_.receive(buffer);
    if (count == 0) break;
    reader_.push(as_text(Bytes(buffer).first(count)));
  }
  input_ended_ = input_ended_ || socket_.at_end();
  work();
}

void SimBackend::work() {
  if (std::exchange(working_, true)) return;
  while (state_ != State::dead && !running_ && !waiting_ && output_.size() < kOutputMax && step()) {
  }
  working_ = false;
  const bool done = !running_ && !waiting_ && output_.empty();
  if (state_ != State::dead && input_ended_ && done) die(End::orderly);
}

bool SimBackend::step() {
  switch (state_) {
    case State::first_packet:
      return take_first_packet();
    case State::securing:
      return take_hello();
    case State::logging_in:
      return false;
    case State::sasl_first:
    case State::sasl_final:
      return take_password();
    case State::ready:
      return take_message();
    case State::dead:
      return false;
  }
  return false;
}

// --- Login ---

bool SimBackend::take_first_packet() {
  auto body = reader_.next_untyped();
  if (!body || body->size() < 4) return false;
  const auto code = load_be32(as_bytes(*body).data());
  if (code == kSslRequestCode || code == kGssRequestCode) {
    const bool tls = code == kSslRequestCode && postgres_.options().tls;
    output_ += tls ? 'S' : 'N';
    flush();
    if (tls) state_ = State::securing;
    return true;
  }
  if (code == kCancelRequestCode && body->size() >= 12) {
    const auto* raw = as_bytes(*body).data();
    postgres_.cancel(load_be32(raw + 4), load_be32(raw + 8));
    waiting_ = true;
    const bool slow = postgres_.strikes(ServerFault::slow_cancel);
    later(postgres_.random().between(10us, slow ? 300ms : 1ms), [this] { die(End::orderly); });
    return true;
  }
  state_ = State::logging_in;
  take_startup(*body);
  return true;
}

bool SimBackend::take_hello() {
  net::SimHello hello;
  std::size_t taken = 0;
  const auto outcome = net::read_sim_hello(as_bytes(reader_.buffered()), hello, taken);
  if (outcome == net::SimHelloRead::need_more) return false;
  if (outcome == net::SimHelloRead::malformed || hello.kind != net::SimHello::Kind::client) {
    die(End::orderly);
    return false;
  }
  reader_.drop(taken);
  output_ += as_text(net::write_sim_hello({.kind = net::SimHello::Kind::server,
                                           .alpn = hello.alpn,
                                           .channel_binding = ByteBuffer(32, 0x77)}));
  flush();
  state_ = State::first_packet;
  return true;
}

void SimBackend::take_startup(std::string_view body) {
  ByteReader reader(as_bytes(body.substr(4)));
  Parameters parameters;
  std::string user;
  std::string database;
  for (auto name = reader.cstring(); reader.ok() && !name.empty(); name = reader.cstring()) {
    const std::string value(reader.cstring());
    if (name == "user")
      user = value;
    else if (name == "database")
      database = value;
    else
      parameters.emplace_back(name, value);
  }
  if (postgres_.strikes(ServerFault::death_at_login)) {
    postgres_.died_at('^');
    return die(random_end());
  }
  if (const auto refusal = postgres_.admit(); !refusal.empty()) {
    return refuse(refusal, "simulated: not now");
  }
  session_ = std::make_unique<SimSession>(user, database.empty() ? user : database);
  for (const auto& [name, value] : parameters) {
    if (!session_->start_with(name, value)) return refuse("22023", "invalid value for " + name);
  }
  if (!postgres_.options().password.empty()) {
    state_ = State::sasl_first;
    send(authentication(10, std::string("SCRAM-SHA-256\0", 14) + std::string(1, '\0')));
    return flush();
  }
  welcome();
}

bool SimBackend::take_password() {
  const auto message = reader_.next();
  if (!message) return false;
  std::uint8_t nonce[18];
  postgres_.random().fill(nonce);
  if (state_ == State::sasl_first) {
    const auto first = message->body.substr(std::string("SCRAM-SHA-256").size() + 5);
    const std::string salt = "simulated-salt-0";
    scram_ = std::make_unique<auth::ScramServer>(
        auth::make_scram_verifier(postgres_.options().password, as_bytes(salt), kScramIterations),
        Bytes{}, false);
    const auto answer = scram_->first(first, nonce);
    if (!answer) return refuse("28P01", "password authentication failed"), false;
    send(authentication(11, *answer));
    state_ = State::sasl_final;
  } else {
    const auto answer = scram_->final(message->body);
    if (!answer) return refuse("28P01", "password authentication failed"), false;
    send(authentication(12, *answer));
    scram_.reset();
    state_ = State::logging_in;
    welcome();
  }
  flush();
  return true;
}

void SimBackend::welcome() {
  if (postgres_.strikes(ServerFault::slow_login) && !std::exchange(waiting_, true)) {
    return later(postgres_.random().between(10ms, 3s), [this] {
      welcome();
      waiting_ = false;
      work();
    });
  }
  Messages messages{authentication(0),
                    parameter_status("server_version", "15.20"),
                    parameter_status("server_encoding", "UTF8"),
                    parameter_status("integer_datetimes", "on"),
                    parameter_status("in_hot_standby", "off"),
                    parameter_status("is_superuser", "off")};
  session_->greet(messages);
  messages.push_back({'K', Body().int32(pid_).int32(key_)});
  messages.push_back({'Z', "I"});
  state_ = State::ready;
  reply(messages, '^');
}

void SimBackend::refuse(std::string_view sqlstate, std::string_view text) {
  die_with(sqlstate, text);
}

// --- Statements ---

bool SimBackend::take_message() {
  auto message = terminated_ ? std::nullopt : reader_.next();
  if (!message) {
    if (reader_.malformed()) {
      postgres_.ledger().finding("the server received a malformed message");
      die(End::orderly);
    }
    return false;
  }
  trace("<- ", *message);
  if (message->type == 'X') {  // it goes once all replies are taken
    terminated_ = input_ended_ = true;
    return false;
  }
  if (postgres_.strikes(ServerFault::death_before)) {
    postgres_.died_at(message->type);
    if (postgres_.random().one_in(2))
      die_with("57P01", "terminating connection due to administrator command");
    else
      die(random_end());
    return false;
  }
  run(*message);
  return true;
}

// Statements take time, and that is when a cancel finds them; other messages take none.
void SimBackend::run(const Message& message) {
  current_ = message;
  auto time = session_->busy_for(message);
  const bool statement = message.type == 'Q' || message.type == 'E';
  if (statement)
    time += postgres_.random().between(Duration{0}, postgres_.options().statement_time_max);
  if (statement && postgres_.strikes(ServerFault::slow_statement)) {
    time += postgres_.random().between(10ms, 1s);
  }
  if (time == Duration{0}) return finish_running();
  running_ = true;
  later(time, [this, serial = ++serial_] {
    if (running_ && serial == serial_) finish_running();
  });
}

void SimBackend::finish_running() {
  running_ = false;
  Messages messages;
  session_->take(current_, messages, &postgres_.ledger());
  if (socket_.was_reset()) return die(End::reset);
  if (postgres_.strikes(ServerFault::death_after)) {
    postgres_.died_at(current_.type);
    return die(random_end());
  }
  reply(messages, current_.type);
  work();
}

void SimBackend::cancel() {
  if (state_ != State::ready || (!running_ && !session_->copying_in())) return;
  Messages messages;
  session_->cancel(messages);
  if (running_) {
    ++serial_;
    return finish_running();
  }
  reply(messages, 'c');
  work();
}

// --- Output and ends ---

void SimBackend::reply(const Messages& messages, char cause) {
  std::string bytes;
  for (const auto& message : messages) {
    trace("-> ", message);
    append(bytes, message);
  }
  if (!bytes.empty() && postgres_.strikes(ServerFault::death_in_reply)) {
    postgres_.died_at(cause);
    output_ += bytes.substr(0, postgres_.random().below(bytes.size()));
    flush();
    return die(random_end());
  }
  output_ += bytes;
  flush();
}

void SimBackend::trace(std::string_view direction, const Message& message) {
  const auto& tell = postgres_.options().trace;
  if (!tell) return;
  tell("server " + std::to_string(pid_) + " " +
       std::to_string(postgres_.network().now().ns / 1000) + " us " + std::string(direction) +
       to_text(message));
}

void SimBackend::send(const Message& message) {
  append(output_, message);
}

void SimBackend::say(const Message& message) {
  if (!idle() || session_->skipping()) return;
  send(message);
  flush();
}

void SimBackend::flush() {
  if (!socket_) return;
  while (!output_.empty()) {
    const auto sent = socket_.send(as_bytes(output_));
    if (sent == 0) break;
    output_.erase(0, sent);
  }
}

void SimBackend::die_with(std::string_view sqlstate, std::string_view text) {
  send(error_message("FATAL", sqlstate, text));
  flush();
  die(End::orderly);
}

SimBackend::End SimBackend::random_end() {
  return postgres_.random().one_in(2) ? End::orderly : End::reset;
}

void SimBackend::die(End end) {
  if (state_ == State::dead) return;
  state_ = State::dead;
  if (end == End::reset)
    socket_.reset();
  else
    socket_.close();
  postgres_.ended(this);
}

}  // namespace tidegate::sim
