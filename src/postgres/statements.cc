#include "postgres/statements.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "postgres/digest.h"
#include "sql/postgres_scanner.h"

namespace tidegate::postgres {
namespace {

std::string server_name_of(const StatementKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name(kServerNamePrefix);
  for (const auto byte : key) {
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

void give_name(Statement& statement) {
  std::uint8_t shape[8];
  std::memcpy(shape, &statement.shape, sizeof shape);
  const auto sha = digest({Bytes(statement.text_and_types), Bytes(shape)});
  std::copy_n(sha.begin(), statement.key.size(), statement.key.begin());
  statement.server_name = server_name_of(statement.key);
}

bool is(const Statement& statement, Bytes text_and_types, std::uint64_t shape, Naming naming) {
  return statement.shape == shape && statement.server_name.empty() == (naming == Naming::unnamed) &&
         std::ranges::equal(statement.text_and_types, text_and_types);
}

}  // namespace

std::string_view reserved_name(const sql::Effects& effects) {
  using sql::Effect;
  for (const auto& name : effects.names) {
    const bool of_statement = name.effect == Effect::sql_prepare ||
                              name.effect == Effect::sql_execute ||
                              name.effect == Effect::sql_deallocate;
    if (of_statement && name.text.starts_with(kServerNamePrefix)) return name.text;
  }
  return {};
}

namespace {

std::uint64_t shape_under(const Settings& settings, Circumstances circumstances) {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // versions are small numbers
  return settings.shape() ^ circumstances.salt ^ circumstances.schema * kSpread;
}

}  // namespace

StatementRef StatementTable::find(std::uint64_t hash, Bytes text_and_types, std::uint64_t shape,
                                  Naming naming) const {
  const auto [begin, end] = table_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    auto known = at->second.lock();
    if (known && is(*known, text_and_types, shape, naming)) return known;
  }
  return nullptr;
}

StatementRef StatementTable::intern_repeated(Bytes text_and_types, const SettingsRef& settings,
                                             Circumstances circumstances) {
  const auto hash = std::hash<std::string_view>{}(as_text(text_and_types));
  if (auto known = find(hash, text_and_types, shape_under(*settings, circumstances), Naming::named))
    return known;
  auto& sighting = sightings_[hash % kSightings];
  if (std::exchange(sighting, hash) != hash) return nullptr;
  return intern(text_and_types, settings, Naming::named, circumstances);
}

StatementRef StatementTable::intern(Bytes text_and_types, const SettingsRef& settings,
                                    Naming naming, Circumstances circumstances) {
  const auto shape = shape_under(*settings, circumstances);
  const auto hash = std::hash<std::string_view>{}(as_text(text_and_types));
  if (auto known = find(hash, text_and_types, shape, naming)) return known;
  auto made = std::make_shared<Statement>();
  made->text_and_types.assign(text_and_types.begin(), text_and_types.end());
  made->shape = shape;
  made->settings = settings;
  made->circumstances = circumstances;
  const auto text = as_text(text_and_types);
  made->effects =
      sql::PostgresScanner::scan(as_bytes(text.substr(0, text.find('\0'))), settings->text_rules());
  if (naming == Naming::named) give_name(*made);
  if (table_.size() >= sweep_at_) sweep();
  table_.emplace(hash, made);
  return made;
}

void StatementTable::sweep() {
  std::erase_if(table_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<std::size_t>(1024, table_.size() * 2);
}

bool ServerStatements::touch(const StatementKey& key) {
  const auto at = map_.find(key);
  if (at == map_.end() || at->second->stale) return false;
  order_.splice(order_.begin(), order_, at->second);
  return true;
}

bool ServerStatements::holds_fresh(const StatementKey& key) const {
  const auto at = map_.find(key);
  return at != map_.end() && !at->second->stale;
}

bool ServerStatements::parsed_since(const StatementKey& key, Instant since) const {
  const auto at = map_.find(key);
  return at != map_.end() && at->second->parsed_at >= since && !at->second->warned;
}

void ServerStatements::add(const StatementRef& statement, Instant now) {
  remove(statement->key);
  order_.push_front({.statement = statement, .parsed_at = now});
  map_[statement->key] = order_.begin();
}

void ServerStatements::remove(const StatementKey& key) {
  const auto at = map_.find(key);
  if (at == map_.end()) return;
  order_.erase(at->second);
  map_.erase(at);
}

void ServerStatements::clear() {
  map_.clear();
  order_.clear();
}

StatementRef ServerStatements::evict() {
  if (map_.empty() || map_.size() < max_) return nullptr;
  auto oldest = order_.back().statement;
  remove(oldest->key);
  return oldest;
}

void ServerStatements::mark_stale(const StatementKey& key) {
  const auto at = map_.find(key);
  if (at != map_.end()) at->second->stale = true;
}

void ServerStatements::mark_warned(const StatementKey& key) {
  const auto at = map_.find(key);
  if (at != map_.end()) at->second->warned = true;
}

RowShape ServerStatements::rows(const StatementKey& key) const {
  const auto at = map_.find(key);
  return at == map_.end() || at->second->stale ? RowShape::unknown : at->second->rows;
}

void ServerStatements::set_rows(const StatementKey& key, RowShape rows) {
  const auto at = map_.find(key);
  if (at != map_.end()) at->second->rows = rows;
}

void ServerStatements::mark_all_stale() {
  for (auto& held : order_) held.stale = true;
}

}  // namespace tidegate::postgres
