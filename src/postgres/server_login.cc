#include "postgres/server_login.h"

#include <algorithm>

#include <fmt/format.h>

#include "postgres/login_refusal.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kLoginMessageBytesMax = 64 * 1024;
constexpr std::size_t kReportedMax = 256;  // PostgreSQL 18 reports 15; extensions may add some
constexpr std::size_t kCancelKeyBytesMin = 4;
constexpr std::size_t kCancelKeyBytesMax = 256;  // protocol 3.2

std::string shown(char type) {
  const bool printable = type > ' ' && type <= '~';
  return printable ? fmt::format("'{}'", type)
                   : fmt::format("0x{:02x}", static_cast<std::uint8_t>(type));
}

}  // namespace

ServerLogin::ServerLogin(session::ServerPort& port) : port_(&port) {}
ServerLogin::~ServerLogin() = default;

void ServerLogin::start(const session::Turn&) {
  if (state_ != State::starting) return;
  if (!port_->rules().tls_wanted || port_->over_unix_socket()) return send_startup();
  state_ = State::ssl_answer;
  ByteBuffer out;
  write_ssl_request(out);
  port_->to_server(out);
}

std::size_t ServerLogin::from_server(Bytes bytes, const session::Turn& turn) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto rest = bytes.subspan(taken);
    switch (state_) {
      case State::starting:
        fail_protocol("it spoke before it was spoken to");
        break;
      case State::ssl_answer:
        taken += take_ssl_answer(rest);
        break;
      case State::securing:
        // Whoever sent it in clear wants it taken for what came through TLS (CVE-2021-23222).
        fail_protocol("it sent data in clear after it had agreed to TLS");
        break;
      case State::authenticating:
      case State::sasl_continue:
      case State::awaiting_keys:
      case State::sasl_final:
      case State::awaiting_ok:
      case State::reporting:
        taken += take_message(rest, turn);
        break;
      case State::done:
        return taken;
      case State::failed:
        return bytes.size();
    }
  }
  return taken;
}

std::size_t ServerLogin::take_ssl_answer(Bytes bytes) {
  switch (static_cast<char>(bytes[0])) {
    case 'S':
      state_ = State::securing;
      port_->start_tls();
      break;
    case 'N':
      if (port_->rules().tls_required) {
        fail(Reason::server_tls_refused, "it answered SSLRequest with N", Setback::of_upstream);
      } else {
        send_startup();
      }
      break;
    case 'E':
      // It could not even start a process for us, or is older than TLS. What it says comes from
      // somebody who is not proven to be the server, so it is not shown (CVE-2024-10977).
      fail(Reason::server_login_failed, "it answered SSLRequest with an error", Setback::passing);
      break;
    default:
      fail_protocol("it answered SSLRequest with neither S nor N");
      break;
  }
  return 1;
}

void ServerLogin::secured(const session::TlsFacts& facts, const session::Turn&) {
  if (state_ != State::securing) return;
  secured_ = true;
  channel_binding_ = facts.channel_binding;
  send_startup();
}

void ServerLogin::send_startup() {
  const auto& rules = port_->rules();
  Parameters parameters = {{"user", rules.user}, {"database", rules.database}};
  parameters.insert(parameters.end(), rules.startup_parameters.begin(),
                    rules.startup_parameters.end());
  state_ = State::authenticating;
  ByteBuffer out;
  write_startup(out, parameters);
  port_->to_server(out);
}

std::size_t ServerLogin::take_message(Bytes bytes, const session::Turn& turn) {
  using Progress = MessageGatherer::Progress;
  std::size_t taken = 0;
  switch (message_.take(bytes, kLoginMessageBytesMax, taken)) {
    case Progress::need_more:
      break;
    case Progress::malformed:
      fail_protocol("a message of a length that cannot be");
      break;
    case Progress::too_large:
      fail_protocol(fmt::format("a login message of more than {} bytes", kLoginMessageBytesMax));
      break;
    case Progress::complete:
      message_arrived(message_.type(), message_.body(), turn);
      message_.clear();
      break;
  }
  return taken;
}

void ServerLogin::message_arrived(char type, Bytes body, const session::Turn& turn) {
  if (type == 'E') return error_arrived(body);
  if (type == 'N') return notice_arrived(body);
  if (state_ != State::reporting) {
    if (type == 'R') return authentication_arrived(body, turn);
    if (type == 'v') return;  // we ask for 3.0 and no options: there is nothing to give up
    return fail_protocol(fmt::format("message {} before AuthenticationOk", shown(type)));
  }
  switch (type) {
    case 'S':
      return parameter_reported(body);
    case 'K':
      return key_data_arrived(body);
    case 'Z':
      return ready_arrived(body);
    default:
      fail_protocol(fmt::format("message {} before ReadyForQuery", shown(type)));
  }
}

void ServerLogin::parameter_reported(Bytes body) {
  ByteReader reader(body);
  const auto name = reader.cstring();
  const auto value = reader.cstring();
  if (!reader.finished()) return fail_protocol("a malformed ParameterStatus");
  const auto known = std::ranges::find(reported_, name, &Parameters::value_type::first);
  if (known != reported_.end()) {
    known->second = value;
  } else if (reported_.size() == kReportedMax) {
    fail_protocol(fmt::format("more than {} reported parameters", kReportedMax));
  } else {
    reported_.emplace_back(name, value);
  }
}

void ServerLogin::key_data_arrived(Bytes body) {
  ByteReader reader(body);
  process_id_ = reader.be32();
  const auto key = reader.rest();
  if (!reader.ok() || key.size() < kCancelKeyBytesMin || key.size() > kCancelKeyBytesMax) {
    return fail_protocol("a malformed BackendKeyData");
  }
  cancel_key_.assign(key.begin(), key.end());
}

void ServerLogin::ready_arrived(Bytes body) {
  if (as_text(body) != "I") return fail_protocol("its first ReadyForQuery is not idle");
  state_ = State::done;
}

void ServerLogin::error_arrived(Bytes body) {
  const auto error = read_error(body);
  if (!error) return fail_protocol("a malformed ErrorResponse");
  const auto refusal = judge_refusal(error->sqlstate, error->routine);
  fail({.reason = refusal.reason,
        .detail = std::string(error->message),
        .setback = refusal.setback,
        .sqlstate = std::string(error->sqlstate),
        .hint = std::string(refusal.hint)});
}

void ServerLogin::notice_arrived(Bytes body) {
  const auto notice = read_error(body);
  if (!notice) return fail_protocol("a malformed NoticeResponse");
  port_->log().write(LogLevel::debug, "notice during a server's login",
                     {{"message", notice->message}});
}

void ServerLogin::fail(Reason reason, std::string_view detail, Setback setback) {
  fail({.reason = reason, .detail = std::string(detail), .setback = setback});
}

void ServerLogin::fail(const session::Failure& why) {
  state_ = State::failed;
  scram_.reset();
  port_->login_failed(why);
}

void ServerLogin::fail_protocol(std::string_view detail) {
  fail(Reason::server_protocol_error, detail, Setback::passing);
}

}  // namespace tidegate::postgres
