#include "postgres/client_login.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::postgres {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::uint32_t kTerminateHead = 0x58000000;  // an X and what stands there in its length
constexpr std::uint32_t kFirstPacketBytesMin = 8;     // a length and a protocol number
constexpr std::uint32_t kFirstPacketBytesMax = kLengthBytes + kStartupBytesMax;
constexpr std::size_t kCancelKeyBytesMin = 4;
constexpr std::size_t kCancelKeyBytesMax = 256;  // protocol 3.2
constexpr std::string_view kAlpn = "postgresql";
// Like PostgreSQL: invalid_authorization_specification, where other faults of the packet are 08P01.
constexpr std::string_view kNoUserSqlstate = "28000";

constexpr std::uint32_t major_of(std::uint32_t protocol) {
  return protocol >> 16;
}
constexpr std::uint32_t minor_of(std::uint32_t protocol) {
  return protocol & 0xffff;
}

// Appends to `packet` until it has `goal` bytes; gives how many were taken.
std::size_t fill(ByteBuffer& packet, std::size_t goal, Bytes bytes) {
  const auto count = std::min(bytes.size(), goal - std::min(goal, packet.size()));
  packet.insert(packet.end(), bytes.begin(), bytes.begin() + count);
  return count;
}

}  // namespace

ClientLogin::ClientLogin(session::ClientPort& port) : port_(port) {}
ClientLogin::~ClientLogin() {
  forget_secrets();
}

bool ClientLogin::wants_input() const {
  switch (state_) {
    case State::first_packet:
    case State::sasl_first:
    case State::sasl_final:
    case State::md5_response:
    case State::cleartext_response:
      return true;
    case State::securing:
    case State::awaiting_secret:
    case State::admitted:
    case State::finished:
      return false;
  }
  return false;
}

std::size_t ClientLogin::from_client(Bytes bytes, const session::Turn& turn) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto rest = bytes.subspan(taken);
    switch (state_) {
      case State::first_packet:
        taken += take_first_packet(rest);
        break;
      case State::securing:
        // Sent before TLS began, by whomever (CVE-2021-23214). No error text either: the client
        // now expects TLS records.
        finish(Reason::early_data, session::Farewell::now);
        break;
      case State::awaiting_secret:
      case State::admitted:
        return taken;
      case State::sasl_first:
      case State::sasl_final:
      case State::md5_response:
      case State::cleartext_response:
        taken += take_proof(rest, turn);
        break;
      case State::finished:
        return bytes.size();
    }
  }
  return taken;
}

std::size_t ClientLogin::take_first_packet(Bytes bytes) {
  auto taken = fill(packet_, kLengthBytes, bytes);
  if (packet_.size() < kLengthBytes) return taken;
  const auto length = load_be32(packet_.data());
  // It has changed its mind before it said anything, as node-postgres may.
  if (length == kTerminateHead) return finish(Reason::client_gone, session::Farewell::now), taken;
  if (length < kFirstPacketBytesMin || length > kFirstPacketBytesMax) {
    refuse(Reason::bad_startup, fmt::format("it claims a length of {} bytes", length));
    return taken;
  }
  taken += fill(packet_, length, bytes.subspan(taken));
  if (packet_.size() == length) first_packet_arrived();
  return taken;
}

void ClientLogin::first_packet_arrived() {
  const auto packet = std::exchange(packet_, {});
  const auto code = load_be32(packet.data() + kLengthBytes);
  const auto body = Bytes(packet).subspan(kFirstPacketBytesMin);
  switch (code) {
    case kSslRequest:
      return ssl_requested(body);
    case kGssEncRequest:
      return gss_requested(body);
    case kCancelRequest:
      return cancel_requested(body);
    default:
      return startup_arrived(code, body);
  }
}

void ClientLogin::ssl_requested(Bytes body) {
  if (!body.empty()) return refuse(Reason::bad_startup, "an SSLRequest is 8 bytes long");
  if (std::exchange(asked_tls_, true)) {
    return refuse(Reason::protocol_violation, "TLS was asked for twice");
  }
  if (!port_.tls_offered()) return port_.to_client(as_bytes("N"));
  state_ = State::securing;
  port_.to_client(as_bytes("S"));
  port_.start_tls();
}

void ClientLogin::gss_requested(Bytes body) {
  if (!body.empty()) return refuse(Reason::bad_startup, "a GSSENCRequest is 8 bytes long");
  if (tls_ || std::exchange(asked_gss_, true)) {
    return refuse(Reason::protocol_violation, "GSSAPI encryption was asked for twice or after TLS");
  }
  port_.to_client(as_bytes("N"));
}

void ClientLogin::secured(const session::TlsFacts& facts, const session::Turn&) {
  const bool direct = state_ == State::first_packet && !asked_tls_ && packet_.empty();
  if (state_ != State::securing && !direct) return;
  state_ = State::first_packet;
  asked_tls_ = true;
  tls_ = facts;
  // Without SSLRequest only ALPN tells a PostgreSQL client from any other that speaks TLS: it
  // keeps a browser from being led to send us its request (PostgreSQL manual 55.2.11).
  if (direct && facts.alpn != kAlpn) {
    refuse(Reason::protocol_violation, "TLS without SSLRequest needs the ALPN name \"postgresql\"");
  }
}

void ClientLogin::cancel_requested(Bytes body) {
  ByteReader reader(body);
  const auto pid = reader.be32();
  const auto key = reader.rest();
  if (!reader.ok() || key.size() < kCancelKeyBytesMin || key.size() > kCancelKeyBytesMax) {
    return refuse(Reason::bad_startup, "a CancelRequest has a key of 4 to 256 bytes");
  }
  port_.cancel_requested(pid, key);
  finish(Reason::none, session::Farewell::flush);
}

void ClientLogin::startup_arrived(std::uint32_t protocol, Bytes body) {
  startup_.protocol = protocol;
  if (major_of(protocol) != major_of(kProtocol30)) return refuse(Reason::unsupported_protocol);
  if (!startup_understood(body)) return;
  port_.introduced(startup_.user, startup_.database);
  if (port_.tls_required() && !tls_) return refuse(Reason::tls_required);
  if (!startup_.replication.empty()) return refuse(Reason::replication_refused);
  negotiate_protocol();
  state_ = State::awaiting_secret;
  port_.need_secret(startup_.user, startup_.database);
}

bool ClientLogin::startup_understood(Bytes body) {
  switch (read_startup(body, startup_)) {
    case StartupRead::ok:
      return true;
    case StartupRead::malformed:
      refuse(Reason::bad_startup);
      break;
    case StartupRead::no_user:
      refuse_with(Reason::bad_startup, {.severity = "FATAL",
                                        .sqlstate = kNoUserSqlstate,
                                        .message = "the startup packet names no user"});
      break;
    case StartupRead::bad_option:
      refuse(Reason::bad_startup,
             fmt::format("\"{}\" in options is not understood: write -c name=value",
                         startup_.bad_option));
      break;
  }
  return false;
}

// PostgreSQL manual 55.2.1: the newest version that we speak, and what the client asked for in
// vain.
void ClientLogin::negotiate_protocol() {
  if (minor_of(startup_.protocol) == 0 && startup_.protocol_options.empty()) return;
  ByteBuffer out;
  write_negotiate_protocol_version(out, kProtocol30, startup_.protocol_options);
  port_.to_client(out);
}

void ClientLogin::dismiss(Reason reason) {
  if (state_ == State::finished) return;
  if (state_ == State::securing) return finish(reason, session::Farewell::now);
  refuse(reason);
}

void ClientLogin::refuse(Reason reason, std::string_view detail) {
  refuse_with(reason, {.severity = "FATAL",
                       .sqlstate = info(reason).sqlstate,
                       .message = reason_message(reason, detail)});
}

void ClientLogin::refuse_with(Reason reason, const ErrorText& error) {
  ByteBuffer out;
  if (reason == Reason::unsupported_protocol && major_of(startup_.protocol) < 3) {
    write_error_for_protocol_2(out, error.message);
  } else {
    write_error(out, error);
  }
  port_.to_client(out);
  finish(reason, session::Farewell::flush);
}

void ClientLogin::finish(Reason reason, session::Farewell how) {
  forget_secrets();
  state_ = State::finished;
  port_.close_client(reason, how);
}

}  // namespace tidegate::postgres
