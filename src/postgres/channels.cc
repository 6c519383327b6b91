#include "postgres/channels.h"

#include <algorithm>
#include <utility>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

using sql::Effect;
using Names = std::vector<std::string>;

bool is_among(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

void add_all(Names& names, const Names& more) {
  for (const auto& name : more) {
    if (!is_among(names, name)) names.push_back(name);
  }
}

Names without(const Names& names, const Names& these) {
  Names rest;
  for (const auto& name : names) {
    if (!is_among(these, name)) rest.push_back(name);
  }
  return rest;
}

// What PostgreSQL takes for a name, and cuts where we do, in every encoding. The listener must not
// be told anything that it refuses: the session's own server says of others what they are.
bool is_plain(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

bool may_change_channels(const sql::Effects& effects) {
  return effects.has(Effect::listen) || effects.has(Effect::unlisten) ||
         effects.has(Effect::discard_all) || effects.has(Effect::opaque) ||
         effects.has(Effect::unreadable);
}

// SQL_ASCII on either side means that PostgreSQL passes bytes on as they are.
bool same_letters(std::string_view listener, std::string_view client) {
  return listener == client || listener == "SQL_ASCII" || client == "SQL_ASCII";
}

bool Channels::hears(std::string_view channel) const {
  return is_among(heard_, channel);
}

bool Channels::may_hear(std::string_view channel) const {
  return is_among(heard_, channel) || is_among(tried_, channel) || is_among(asked_, channel);
}

std::string Channels::sql() const {
  std::string sql;
  for (const auto& channel : heard_) sql += "LISTEN " + quote_identifier(channel) + ";";
  return sql;
}

std::string_view Channels::question(bool and_forget) {
  constexpr std::string_view kBoth = "SELECT pg_catalog.pg_listening_channels();UNLISTEN *";
  return and_forget ? kBoth : kBoth.substr(0, kBoth.find(';'));
}

// --- The listener ---

Names Channels::missing(const sql::Effects& effects) const {
  Names missing;
  for (const auto& name : effects.names) {
    if (name.effect != Effect::listen || !is_plain(name.text) || may_hear(name.text)) continue;
    if (!is_among(missing, name.text)) missing.push_back(name.text);
  }
  return missing;
}

std::uint32_t Channels::ask_listener(Names channels) {
  add_all(asked_, channels);
  return ++request_;
}

bool Channels::answered_by_listener(const session::Hearing& answer) {
  if (answer.request != request_) return false;
  encoding_ = answer.encoding;
  denied_ |= !answer.granted;
  return true;
}

Names Channels::move_to_own_server() {
  on_own_server_ = true;
  changed_ = asking_ = failed_ = false;
  auto all = std::exchange(heard_, {});
  add_all(all, std::exchange(tried_, {}));
  add_all(all, std::exchange(asked_, {}));
  kept_.clear();
  bytes_kept_ = 0;
  return all;
}

// --- The session's server ---

void Channels::change() {
  if (!asked_.empty()) {
    forget_early();
    add_all(tried_, std::exchange(asked_, {}));
  }
  changed_ = true;
}

void Channels::begin_answer(bool forgets) {
  asking_ = true;
  forgets_ = forgets;
  if (forgets) put_ = false;
  failed_ = changed_ = false;
  found_.clear();
}

void Channels::take_row(Bytes row) {
  ByteReader reader(row);
  const auto columns = reader.be16();
  const auto name = as_text(reader.bytes(reader.be32()));
  if (columns != 1 || !reader.ok()) return fail();
  if (found_.size() >= kChannelsMax) return fail();
  found_.emplace_back(name);
}

Channels::Difference Channels::answered() {
  asking_ = false;
  auto before = heard_;
  add_all(before, tried_);
  Difference difference{without(before, found_), without(found_, before)};
  heard_ = std::exchange(found_, {});
  tried_.clear();
  difference.lost = without(difference.lost, asked_);
  return difference;
}

// --- Notifications ---

void Channels::keep(const session::NotificationRef& notification) {
  if (on_own_server_ || !may_hear(notification->channel)) return;
  bytes_kept_ += notification->message.size();
  kept_.push_back(notification);
}

void Channels::forget_early() {
  if (kept_.empty()) return;
  std::erase_if(kept_, [this](const auto& each) {
    if (hears(each->channel)) return false;
    bytes_kept_ -= each->message.size();
    return true;
  });
}

void Channels::tell(ByteBuffer& out) {
  if (std::exchange(missed_, false)) {
    write_notice(out, {.severity = "WARNING",
                       .sqlstate = "01000",
                       .message = "notifications may have been missed",
                       .detail = "The connection that listens for the clients of this database was "
                                 "lost, and has been made anew.",
                       .hint = "Look at what the notifications would have told."});
  }
  std::vector<session::NotificationRef> later;
  for (auto& each : kept_) {
    if (hears(each->channel)) {
      ByteWriter(out).bytes(each->message);
    } else if (may_hear(each->channel)) {
      later.push_back(std::move(each));
    }
  }
  kept_ = std::move(later);
  bytes_kept_ = 0;
  for (const auto& each : kept_) bytes_kept_ += each->message.size();
}

}  // namespace tidegate::postgres
