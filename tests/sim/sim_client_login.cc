// How a simulated client logs in: TLS if it likes, startup, password, and what it is told.
#include <algorithm>

#include "auth/md5.h"
#include "auth/scram.h"
#include "net/sim_tls.h"
#include "sim/places.h"
#include "sim/sim_client.h"

namespace tidegate::sim {

// --- TLS ---

void SimClient::begin_security() {
  const bool offered = world_.tls != net::SslMode::disable;
  const bool required = world_.tls == net::SslMode::require;
  bool wanted = offered && (required || random_.one_in(2));
  if (required && whim(Whim::clear_in_vain)) wanted = false;
  if (!offered && whim(Whim::tls_in_vain)) wanted = true;
  if (!wanted) return send_startup();
  const bool first = security_asked_ == 0;  // a server looks for TLS at the very beginning only
  if (!offered || world_.direct || !first || !random_.one_in(4)) {
    return ask_security(kSslRequestCode);
  }
  count(Whim::tls_at_once);
  say_hello();
}

void SimClient::ask_security(std::uint32_t code) {
  state_ = State::ssl_answer;
  security_asked_ = code;
  trace(code == kSslRequestCode ? "-> asks for TLS" : "-> asks for GSSAPI");
  std::string request;
  append_untyped(request, std::string(Body().int32(code)));
  write(request);
}

bool SimClient::take_ssl_answer() {
  if (reader_.buffered().empty()) return false;
  const char answer = reader_.buffered().front();
  if (answer == 'E') {  // an error message: whoever is there says no in full
    state_ = State::logging_in;
    return true;
  }
  trace(std::string("<- ") + answer);
  reader_.drop(1);
  const bool tls_asked = security_asked_ == kSslRequestCode;
  const bool offered = tls_asked && world_.tls != net::SslMode::disable;
  if ((answer == 'S') != offered && !world_.direct)
    finding("TLS is answered with the wrong letter");
  if (answer == 'S')
    say_hello();
  else if (tls_asked)
    send_startup();
  else
    begin_security();
  return true;
}

void SimClient::say_hello() {
  state_ = State::securing;
  trace("-> client hello");
  write(as_text(net::write_sim_hello(
      {.kind = net::SimHello::Kind::client, .sni = "ep-cool-1", .alpn = "postgresql"})));
}

bool SimClient::take_hello() {
  net::SimHello hello;
  std::size_t taken = 0;
  const auto outcome = net::read_sim_hello(as_bytes(reader_.buffered()), hello, taken);
  if (outcome == net::SimHelloRead::need_more) return false;
  reader_.drop(outcome == net::SimHelloRead::ok ? taken : reader_.buffered().size());
  if (outcome == net::SimHelloRead::ok && hello.kind == net::SimHello::Kind::server) {
    channel_binding_ = hello.channel_binding;
    secured_ = true;
    send_startup();
  }
  return true;
}

// --- Startup ---

void SimClient::send_startup() {
  state_ = State::logging_in;
  startup_.clear();
  if (random_.one_in(2)) startup_.emplace_back("application_name", "app" + std::to_string(number_));
  if (random_.one_in(3)) startup_.emplace_back("TimeZone", "Europe/Paris");
  if (random_.one_in(4)) startup_.emplace_back("client_encoding", "utf-8");
  if (random_.one_in(6)) startup_.emplace_back("DateStyle", "german");

  const auto database = mistake_ == Mistake::unknown_database ? "nowhere" : database_;
  Body body;
  body.int32(kProtocol).string("user").string(user_).string("database").string(database);
  for (const auto& [name, value] : startup_) body.string(name).string(value);
  body.byte(0);
  std::string bytes;
  append_untyped(bytes, std::string(std::move(body)));
  trace("-> startup");
  write(bytes);
}

void SimClient::take_login(const Message& message) {
  trace("<- " + to_text(message));
  switch (message.type) {
    case 'R':
      return take_authentication(message);
    case 'S': {
      ByteReader reader(as_bytes(message.body));
      const std::string name(reader.cstring());
      told_[name] = reader.cstring();
      return;
    }
    case 'K':
      cancel_pid_ = load_be32(as_bytes(message.body).data());
      cancel_key_ = load_be32(as_bytes(message.body).data() + 4);
      return;
    case 'Z':
      return logged_in();
    case 'N':
    case 'v':
      return;
    case 'E':
      return take_login_error(message);
    default:
      return finding("unexpected message in login: " + to_text(message));
  }
}

void SimClient::take_login_error(const Message& message) {
  const auto sqlstate = error_field(message, 'C');
  if (!login_may_fail(sqlstate)) finding("login refused: " + to_text(message));
  ++world_.totals.excused["login " + sqlstate];
  fatal_taken_ = true;
}

bool SimClient::login_may_fail(const std::string& sqlstate) {
  if (mistake_ == Mistake::wrong_password && sqlstate == "28P01") return true;
  if (mistake_ == Mistake::unknown_database && sqlstate == "3D000") return true;
  const bool in_clear = world_.tls == net::SslMode::require && !secured_;
  if (in_clear && sqlstate == "28000") return true;
  const bool full = world_.places_limited && sqlstate == "53300";
  const bool late = may_be_dismissed() && sqlstate == "57P01";
  if (full || late) {
    ++attempts_left_;  // who is sent away comes again
    return true;
  }
  if (world_.direct && !world_.calm && (sqlstate == "28P01" || sqlstate == "53000")) return true;
  return excused(sqlstate);
}

// --- Proof ---

std::string SimClient::password() const {
  return mistake_ == Mistake::wrong_password ? "not the password" : password_of(user_);
}

void SimClient::send_password(const std::string& proof) {
  std::string bytes;
  append(bytes, {'p', Body().string(proof)});
  write(bytes);
}

void SimClient::take_authentication(const Message& message) {
  const auto code = load_be32(as_bytes(message.body).data());
  const std::string data = message.body.substr(4);
  std::string bytes;
  if (code == 3) {
    send_password(password());
  } else if (code == 5) {
    send_password(auth::md5_response(auth::md5_stored(user_, password()), as_bytes(data)));
  } else if (code == 10) {
    const bool plus = data.find("SCRAM-SHA-256-PLUS") != data.npos && secured_;
    // One that could bind and is offered no binding says so.
    scram_ = std::make_unique<auth::ScramClient>(secured_ ? channel_binding_ : ByteBuffer{}, plus);
    std::uint8_t nonce[18];
    random_.fill(nonce);
    const auto first = scram_->first(nonce);
    append(bytes, {'p', Body()
                            .string(plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256")
                            .int32(static_cast<std::uint32_t>(first.size()))
                            .raw(first)});
  } else if (code == 11) {
    const auto challenge = scram_->challenge(data);
    if (!challenge) return finding("the server's SCRAM challenge is wrong");
    auto& salted = world_.salted_passwords[{password(), challenge->salt, challenge->iterations}];
    if (salted == auth::Digest{}) {
      salted = auth::scram_salted_password(password(), challenge->salt, challenge->iterations);
    }
    append(bytes,
           {'p', scram_->final(auth::scram_client_key(salted), auth::scram_server_key(salted))});
  } else if (code == 12) {
    if (!scram_->verify(data)) finding("the server's SCRAM signature is wrong");
  } else if (code != 0) {
    finding("asked for an unexpected kind of password");
  } else if (mistake_ == Mistake::wrong_password) {
    finding("let in with a wrong password");
  }
  if (!bytes.empty()) write(bytes);
}

void SimClient::logged_in() {
  state_ = State::working;
  ++world_.totals.logins;
  workload_.connection_began();
  if (mistake_ != Mistake::none) finding("let in by mistake");
  if (world_.tls == net::SslMode::require && !secured_) finding("let in without TLS");
  model_ = std::make_unique<SimSession>(user_, database_);
  for (const auto& [name, value] : startup_) model_->start_with(name, value);
  Messages ignored;
  model_->greet(ignored);
  if (reported_text(told_) != reported_text(model_->settings())) {
    finding("told at login: " + reported_text(told_) +
            ", true is: " + reported_text(model_->settings()));
  }
  // Where a session holds its server to the end, others wait for all of it.
  const int at_most = mode_ == PoolMode::session ? std::min(8, world_.session_transactions_max)
                                                 : world_.session_transactions_max;
  session_left_ = static_cast<int>(random_.between(1, at_most));
  pump();
}

std::string reported_text(const SimSettings& settings) {
  std::string text;
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    if (kSettings[i].reported) text += settings.get(i) + ';';
  }
  return text;
}

std::string reported_text(const std::map<std::string, std::string>& told) {
  std::string text;
  for (const auto& setting : kSettings) {
    if (!setting.reported) continue;
    const auto found = told.find(std::string(setting.name));
    text += (found == told.end() ? "(never told)" : found->second) + ';';
  }
  return text;
}

}  // namespace tidegate::sim
