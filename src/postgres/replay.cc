#include "postgres/replay.h"

#include <algorithm>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

void append_command(std::string& sql, const Settings::Entry& entry) {
  if (entry.custom || is_list_of_names(entry.name)) {
    sql += "SELECT pg_catalog." + set_config_call(entry.name, entry.value) + ";";
  } else {
    sql += "SET " + entry.name + " = " + quote_literal(entry.value) + ";";
  }
}

// Whatever runs under them may be ended by them: they are set last, and taken away awaited.
bool limits_time(std::string_view name) {
  return same_setting(name, "statement_timeout") || same_setting(name, "transaction_timeout");
}

bool limits_time(const Settings& settings) {
  return std::ranges::any_of(settings.entries(), [](const Settings::Entry& each) {
    return each.custom && limits_time(each.name) && each.value != "0";
  });
}

// What is neither who the session is nor what it prepared.
void replay_values(const Settings& have, const Settings& want, Replay& replay) {
  std::string last;
  for (const auto& entry : want.entries()) {
    const auto* value = have.find(entry.name);
    if (is_identity(entry.name) || (value != nullptr && *value == entry.value)) continue;
    append_command(limits_time(entry.name) ? last : replay.sql, entry);
    replay.needs_reply |= entry.custom && !cannot_fail(entry.name);
  }
  for (const auto& entry : have.entries()) {
    if (!entry.custom || is_identity(entry.name) || want.find(entry.name) != nullptr) continue;
    replay.sql += "RESET " + quote_setting(entry.name) + ";";
    replay.needs_reply |= !cannot_fail(entry.name);
  }
  replay.sql += last;
}

bool same_value(const std::string* a, const std::string* b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// Values are set by whom the server logged in as, who may set what any role may that it takes.
void replay_identity(const Settings& have, const Settings& want, Replay& replay) {
  const auto is_there = [](const Settings& settings) {
    return std::ranges::any_of(
        kIdentity, [&](std::string_view name) { return settings.find(name) != nullptr; });
  };
  const bool same = std::ranges::all_of(kIdentity, [&](std::string_view name) {
    return same_value(have.find(name), want.find(name));
  });
  if (same && !(replay.needs_reply && is_there(have))) return;
  if (is_there(have)) replay.sql.insert(0, "RESET SESSION AUTHORIZATION;RESET ROLE;");
  for (const auto name : kIdentity) {
    const auto* value = want.find(name);
    if (value != nullptr) append_command(replay.sql, {std::string(name), *value, true});
  }
  replay.needs_reply = true;
}

void replay_prepared(const Settings& have, const Settings& want, Replay& replay) {
  const auto lacks = [](const Settings& settings, const Settings::Prepared& statement) {
    return std::ranges::find(settings.prepared(), statement) == settings.prepared().end();
  };
  for (const auto& each : have.prepared()) {
    if (lacks(want, each)) replay.closes.push_back(each.name);
  }
  for (const auto& each : want.prepared()) {
    if (lacks(have, each)) replay.prepares.push_back(&each);
  }
  replay.needs_reply |= !replay.prepares.empty();
}

}  // namespace

Replay replay(const Settings& have, const Settings& want) {
  Replay replay;
  replay_values(have, want, replay);
  replay_identity(have, want, replay);
  replay.needs_reply |= !replay.sql.empty() && limits_time(have);
  replay_prepared(have, want, replay);
  return replay;
}

void write_replay(const Replay& replay, OwedQueue& owed, ByteBuffer& out) {
  for (const auto name : replay.closes) {
    write_close_statement(out, name);
    owed.push(Reply::close, Action::skip);
  }
  if (!replay.closes.empty()) {
    write_sync(out);
    owed.push(Reply::sync, Action::skip);
  }
  if (!replay.sql.empty()) {
    write_query(out, replay.sql);
    owed.push(Reply::query, Action::skip);
  }
  for (const auto* statement : replay.prepares) {
    write_query(out, statement->text);
    auto& prepares = owed.push(Reply::query, Action::skip);
    prepares.prepares = true;
    prepares.name = statement->name;
  }
}

}  // namespace tidegate::postgres
