// How a simulated client logs in: TLS if it likes, startup, password, and what it is told.
#include "auth/scram.h"
#include "net/sim_tls.h"
#include "sim/sim_client.h"

namespace tidegate::sim {

void SimClient::send_startup() {
  state_ = State::logging_in;
  startup_.clear();
  if (random_.one_in(2)) startup_.emplace_back("application_name", "app" + std::to_string(number_));
  if (random_.one_in(3)) startup_.emplace_back("TimeZone", "Europe/Paris");
  if (random_.one_in(4)) startup_.emplace_back("client_encoding", "utf-8");
  if (random_.one_in(6)) startup_.emplace_back("DateStyle", "german");

  Body body;
  body.int32(kProtocol).string("user").string(user_).string("database").string(database_);
  for (const auto& [name, value] : startup_) body.string(name).string(value);
  body.byte(0);
  std::string bytes;
  append_untyped(bytes, std::string(std::move(body)));
  trace("-> startup");
  write(bytes);
}

bool SimClient::take_ssl_answer() {
  if (reader_.buffered().empty()) return false;
  const char answer = reader_.buffered().front();
  reader_.drop(1);
  if (answer == 'S') {
    state_ = State::securing;
    write(as_text(net::write_sim_hello(
        {.kind = net::SimHello::Kind::client, .sni = "ep-cool-1", .alpn = "postgresql"})));
  } else {
    send_startup();
  }
  return true;
}

bool SimClient::take_hello() {
  net::SimHello hello;
  std::size_t taken = 0;
  const auto outcome = net::read_sim_hello(as_bytes(reader_.buffered()), hello, taken);
  if (outcome == net::SimHelloRead::need_more) return false;
  reader_.drop(outcome == net::SimHelloRead::ok ? taken : reader_.buffered().size());
  if (outcome == net::SimHelloRead::ok && hello.kind == net::SimHello::Kind::server) {
    channel_binding_ = hello.channel_binding;
    send_startup();
  }
  return true;
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
      if (world_.calm) finding("login refused: " + to_text(message));
      ++world_.totals.excused["login " + error_field(message, 'C')];
      fatal_taken_ = true;
      return;
    default:
      return finding("unexpected message in login: " + to_text(message));
  }
}

void SimClient::take_authentication(const Message& message) {
  const auto code = load_be32(as_bytes(message.body).data());
  const std::string data = message.body.substr(4);
  std::string bytes;
  if (code == 10) {
    const bool plus = data.find("SCRAM-SHA-256-PLUS") != data.npos && !channel_binding_.empty();
    scram_ = std::make_unique<auth::ScramClient>(plus ? channel_binding_ : ByteBuffer{}, plus);
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
    auto& salted = world_.salted_passwords[{challenge->salt, challenge->iterations}];
    if (salted == auth::Digest{}) {
      salted = auth::scram_salted_password(world_.password, challenge->salt, challenge->iterations);
    }
    append(bytes,
           {'p', scram_->final(auth::scram_client_key(salted), auth::scram_server_key(salted))});
  } else if (code == 12) {
    if (!scram_->verify(data)) finding("the server's SCRAM signature is wrong");
  } else if (code != 0) {
    finding("asked for an unexpected kind of password");
  }
  if (!bytes.empty()) write(bytes);
}

void SimClient::logged_in() {
  state_ = State::working;
  ++world_.totals.logins;
  workload_.connection_began();
  model_ = std::make_unique<SimSession>(user_, database_);
  for (const auto& [name, value] : startup_) model_->start_with(name, value);
  Messages ignored;
  model_->greet(ignored);
  if (reported_text(told_) != reported_text(model_->settings())) {
    finding("told at login: " + reported_text(told_) +
            ", true is: " + reported_text(model_->settings()));
  }
  session_left_ = static_cast<int>(random_.between(1, world_.session_transactions_max));
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
