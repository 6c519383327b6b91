#include "sim/sim_backend.h"

#include "auth/md5.h"
#include "auth/scram.h"
#include "net/sim_tls.h"
#include "sim/places.h"
#include "sim/sim_postgres.h"

namespace tidegate::sim {

namespace {

// A reply that is not taken by the peer stops the session from reading on.
constexpr std::size_t kOutputMax = 64 * 1024;
constexpr std::uint32_t kScramIterations = 2;  // cheap on purpose: the sum is not what is tested

// What TLS gives both ends to bind a login to.
const ByteBuffer& channel_binding() {
  static const ByteBuffer kBinding(32, 0x77);
  return kBinding;
}

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
  postgres_.network().after(delay, [this, alive = std::weak_ptr(alive_), step] {
    if (!alive.expired() && state_ != State::dead) step();
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
    case State::password:
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
  if (reader_.malformed()) return die(End::orderly), false;
  if (!body || body->size() < 4) return false;
  const auto code = load_be32(as_bytes(*body).data());
  if (code == kSslRequestCode) return take_ssl_request(postgres_.options().tls);
  if (code == kGssRequestCode) return take_ssl_request(false);
  if (code == kCancelRequestCode && body->size() >= 12) return take_cancel(*body);
  state_ = State::logging_in;
  take_startup(*body);
  return true;
}

bool SimBackend::take_ssl_request(bool tls) {
  if (dies_at_login('$')) return false;
  if (postgres_.strikes(ServerFault::tls_error)) {
    return refuse("53000", "could not fork new process for connection"), false;
  }
  tls = tls && !postgres_.strikes(ServerFault::tls_refused);
  output_ += tls ? 'S' : 'N';
  flush();
  if (tls) state_ = State::securing;
  return true;
}

// The process that delivers it lives on its own: it may take its time, and no end of the connection
// stops it. Only when it ends in good order the peer knows that the cancel is delivered.
bool SimBackend::take_cancel(std::string_view body) {
  if (postgres_.strikes(ServerFault::death_at_cancel)) {
    postgres_.died_at('x');
    return die(random_end()), false;
  }
  const auto* raw = as_bytes(body).data();
  const bool slow = postgres_.strikes(ServerFault::slow_cancel);
  const auto late = slow ? postgres_.random().between(10us, 300ms) : Duration{0};
  postgres_.cancel_later(late, load_be32(raw + 4), load_be32(raw + 8));
  waiting_ = true;
  later(late + postgres_.random().between(10us, slow ? 300ms : 1ms), [this] { die(End::orderly); });
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
  if (dies_at_login('%')) return false;
  reader_.drop(taken);
  output_ += as_text(net::write_sim_hello({.kind = net::SimHello::Kind::server,
                                           .alpn = hello.alpn,
                                           .channel_binding = channel_binding()}));
  flush();
  secured_ = true;
  state_ = State::first_packet;
  return true;
}

void SimBackend::take_startup(std::string_view body) {
  ByteReader reader(as_bytes(body.substr(4)));
  Parameters parameters;
  for (auto name = reader.cstring(); reader.ok() && !name.empty(); name = reader.cstring()) {
    const std::string value(reader.cstring());
    if (name == "user")
      user_ = value;
    else if (name == "database")
      database_ = value;
    else
      parameters.emplace_back(name, value);
  }
  if (database_.empty()) database_ = user_;
  if (dies_at_login('^')) return;
  if (const auto refusal = postgres_.admit(user_, database_); !refusal.empty()) {
    return refuse(refusal, "simulated: not now");
  }
  session_ = std::make_unique<SimSession>(user_, database_);
  for (const auto& [name, value] : parameters) {
    if (!session_->start_with(name, value)) return refuse("22023", "invalid value for " + name);
  }
  ask_for_proof();
}

void SimBackend::ask_for_proof() {
  switch (postgres_.options().auth) {
    case ServerAuth::trust:
      return welcome();
    case ServerAuth::cleartext:
      state_ = State::password;
      send(authentication(3));
      break;
    case ServerAuth::md5:
      state_ = State::password;
      salt_.resize(4);
      postgres_.random().fill(salt_);
      send(authentication(5, as_text(salt_)));
      break;
    case ServerAuth::scram: {
      state_ = State::sasl_first;
      Body mechanisms;
      if (secured_) mechanisms.string("SCRAM-SHA-256-PLUS");
      mechanisms.string("SCRAM-SHA-256").byte(0);
      send(authentication(10, std::string(std::move(mechanisms))));
      break;
    }
  }
  flush();
}

bool SimBackend::take_password() {
  const auto message = reader_.next();
  if (!message) return false;
  if (message->type != 'p') return refuse("08P01", "expected password response"), false;
  if (dies_at_login('p')) return false;
  if (postgres_.strikes(ServerFault::login_denied)) {
    return refuse("28P01", "simulated: password authentication failed"), false;
  }
  if (state_ != State::password) return take_sasl(*message);
  const auto password = password_of(user_);
  const auto wanted =
      salt_.empty() ? password : auth::md5_response(auth::md5_stored(user_, password), salt_);
  if (message->body.c_str() != wanted) {
    postgres_.ledger().finding("the server was told a wrong password for " + user_);
    return refuse("28P01", "password authentication failed"), false;
  }
  state_ = State::logging_in;
  welcome();
  return true;
}

bool SimBackend::take_sasl(const Message& message) {
  if (state_ == State::sasl_first) {
    const std::string mechanism(message.body.c_str());
    const auto first = message.body.substr(mechanism.size() + 5);
    const std::string salt = "simulated-salt-0";
    std::uint8_t nonce[18];
    postgres_.random().fill(nonce);
    scram_ = std::make_unique<auth::ScramServer>(
        auth::make_scram_verifier(password_of(user_), as_bytes(salt), kScramIterations),
        secured_ ? Bytes(channel_binding()) : Bytes{}, mechanism == "SCRAM-SHA-256-PLUS");
    const auto answer = scram_->first(first, nonce);
    if (!answer) return refuse("28P01", "password authentication failed"), false;
    send(authentication(11, *answer));
    state_ = State::sasl_final;
  } else {
    const auto answer = scram_->final(message.body);
    if (!answer) {
      postgres_.ledger().finding("the server was told a wrong password for " + user_);
      return refuse("28P01", "password authentication failed"), false;
    }
    send(authentication(12, *answer));
    scram_.reset();
    state_ = State::logging_in;
    welcome();
  }
  flush();
  return true;
}

bool SimBackend::dies_at_login(char step) {
  if (!postgres_.strikes(ServerFault::death_at_login)) return false;
  postgres_.died_at(step);
  die(random_end());
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
  if (dies_at_login('w')) return;
  reply(messages, 'w');
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
  if (message->type == 'X') return take_terminate(), false;
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

// It goes once all replies are taken.
void SimBackend::take_terminate() {
  terminated_ = input_ended_ = true;
  if (!postgres_.strikes(ServerFault::death_before)) return;
  postgres_.died_at('X');
  die(End::reset);
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

// Between its yes to TLS and the handshake PostgreSQL has no voice.
void SimBackend::die_with(std::string_view sqlstate, std::string_view text) {
  if (state_ == State::securing) return die(End::orderly);
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
