#include "postgres/login_probe.h"

#include <algorithm>
#include <utility>

#include "postgres/framing.h"
#include "postgres/hexadecimal.h"
#include "postgres/put_right.h"
#include "postgres/replay.h"

namespace tidegate::postgres {
namespace {

// One row with a short value per parameter, and what a server may add in notices.
constexpr std::size_t kAnswersBytesMax = 64 * 1024;

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// Rows are converted to the client's encoding, and settings are kept in the database's: a value
// that would suffer from that is asked for in hexadecimal.
std::string question(std::string_view name, std::string_view value) {
  const auto call = "pg_catalog." + set_config_call(name, value);
  if (is_ascii(value)) return call;
  return "pg_catalog.encode(pg_catalog.convert_to(" + call +
         ", pg_catalog.getdatabaseencoding()), 'hex')";
}

std::string answer(std::string_view text, std::string_view asked) {
  return is_ascii(asked) ? std::string(text) : from_hexadecimal(text);
}

}  // namespace

LoginProbe::LoginProbe(Listener& listener, const Parameters& asked, bool doubtful)
    : listener_(listener), asked_(asked), doubtful_(doubtful) {}

LoginProbe::~LoginProbe() {
  if (server_ == nullptr) return;
  // What was set so far is not known.
  server_->state().dirty = true;
  unlink();
}

// A value is read as by a server that has just logged in: what it comes to may depend on other
// settings (DateStyle = ISO keeps the order of the day), or on a role.
void LoginProbe::linked(ServerConversation& server, RouteSnapshotRef snapshot) {
  server_ = &server;
  snapshot_ = std::move(snapshot);
  server.link(*this);
  auto& state = server.state();
  settings_ = state.have;
  if (snapshot_ == nullptr) {
    snapshot_ = std::make_shared<const RouteSnapshot>(server.state().reported);
  }
  unknown_ = snapshot_->unknown(asked_);
  finished_ = unknown_.empty() && !doubtful_;
  if (finished_) return;
  if (unknown_.empty()) return sync();
  const auto bare = state.bare();
  const auto sql = state.opaque ? std::string(kPutRight) : replay(*state.have, *bare).sql;
  if (sql.empty()) return ask();
  ByteBuffer query;
  write_query(query, sql);
  state.owed.push(Reply::query, Action::skip);
  state.unnamed.reset();
  settings_ = state.have = bare;
  settling_ = true;
  server.send(query);
}

void LoginProbe::ask() {
  std::string sql = "SELECT ";
  for (const auto& [name, value] : unknown_) {
    if (sql.back() == ')') sql += ", ";
    sql += question(name, value);
  }
  ByteBuffer query;
  write_query(query, sql);
  server_->state().owed.push(Reply::query);
  server_->state().unnamed.reset();
  server_->send(query);
}

void LoginProbe::sync() {
  ByteBuffer message;
  write_sync(message);
  server_->state().owed.push(Reply::sync);
  server_->send(message);
}

void LoginProbe::unlink() {
  if (server_ != nullptr) server_->unlink(false);
  server_ = nullptr;
}

void LoginProbe::to_client(Bytes bytes) {
  if (answers_.size() + bytes.size() > kAnswersBytesMax) {
    refusal_ = Refusal{std::string(info(Reason::startup_parameter_refused).sqlstate),
                       "the answer to the startup parameters is too long"};
    return;
  }
  answers_.insert(answers_.end(), bytes.begin(), bytes.end());
}

void LoginProbe::setting_reported(std::string_view name, std::string_view value) {
  settings_ = settings_->with(name, value);
}

void LoginProbe::replies_walked(const session::Turn& turn) {
  if (spoilt_) return listener_.probe_spoilt();
  if (settling_ && server_ != nullptr && server_->state().owed.empty()) {
    settling_ = false;
    server_->state().opaque = false;
    return ask();
  }
  if (!finished_ || server_ == nullptr || !server_->state().at_rest()) return;
  read_answers();
  listener_.probe_finished(turn);
}

void LoginProbe::read_answers() {
  for (Bytes rest = answers_; !rest.empty() && !refusal_;) {
    MessageHeader header;
    if (read_header(rest, header) != HeaderRead::ok) break;
    const auto total = kHeaderBytes + header.body_bytes;
    if (rest.size() < total) break;
    const auto body = rest.subspan(kHeaderBytes, header.body_bytes);
    rest = rest.subspan(total);
    if (header.type == 'D') read_row(body);
    if (header.type != 'E') continue;
    const auto error = read_error(body).value_or(ErrorFields{});
    refusal_ = Refusal{std::string(error.sqlstate), std::string(error.message)};
  }
}

// set_config() returns the new value as SHOW would print it (PostgreSQL manual, 9.27.1).
void LoginProbe::read_row(Bytes body) {
  ByteReader reader(body);
  if (reader.be16() != unknown_.size()) return;
  auto& have = server_->state().have;
  std::vector<Settings::Entry> accepted;
  for (const auto& [name, asked] : unknown_) {
    const auto length = reader.be32();
    const auto text = length == 0xffffffff ? std::string_view{} : as_text(reader.bytes(length));
    const auto value = answer(text, asked);
    const bool custom = !have->reports(name);
    accepted.push_back({name, value, custom});
    if (custom) have = have->with(name, value, true);
  }
  if (!reader.ok()) return;
  answer_ = Settings::make(std::move(accepted));
}

// Meanwhile the server may have told that it was promoted, or another has logged in.
RouteSnapshotRef LoginProbe::answer_in(const RouteSnapshotRef& snapshot) const {
  const auto& now = snapshot != nullptr ? snapshot : snapshot_;
  if (now->known(asked_) != nullptr) return now;
  return now->unknown(asked_) == unknown_ ? now->with(asked_, answer_) : now;
}

}  // namespace tidegate::postgres
