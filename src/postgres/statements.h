// Prepared statements. A Statement is what was parsed: text and parameter types, plus a digest of
// the settings that shape its reading. It is shared: sessions map their own names to it, servers
// remember which of them they hold. The name on a server is made from the digest of all that, so a
// server that moves between workers keeps its map.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "postgres/row_shape.h"
#include "postgres/settings.h"
#include "sql/effects.h"

namespace tidegate::postgres {

using StatementKey = std::array<std::uint8_t, 16>;
struct StatementKeyHash {
  std::size_t operator()(const StatementKey& key) const {
    std::size_t value = 0;
    static_assert(sizeof value <= sizeof key);
    std::memcpy(&value, key.data(), sizeof value);
    return value;
  }
};

inline constexpr std::string_view kServerNamePrefix = "tidegate_";

// The first name in a text that begins like that: of a PREPARE, EXECUTE or DEALLOCATE, which would
// reach what the server knows by it. Empty: none.
std::string_view reserved_name(const sql::Effects& effects);

// What besides text and settings decides what a Parse makes of it.
struct Circumstances {
  std::uint64_t salt = 0;    // not 0: something that no report tells of; nobody else has the same
  std::uint64_t schema = 0;  // see session::SchemaVersion
};

struct Statement {
  StatementKey key{};
  std::string server_name;    // "tidegate_" + 32 hex digits; empty: it lives as the unnamed one
  ByteBuffer text_and_types;  // the Parse message after the statement name
  std::uint64_t shape = 0;
  SettingsRef settings;  // some that have this shape
  Circumstances circumstances;
  sql::Effects effects;  // what running it does to a session
  bool kept = true;  // false: too long for that. It is on one server only, as the client named it
};
using StatementRef = std::shared_ptr<const Statement>;

enum class Naming : std::uint8_t { named, unnamed };

// One per worker: equal statements are one object for as long as somebody holds it. Bounded by
// what sessions hold.
class StatementTable {
 public:
  // `text_and_types`: query text, zero byte, parameter types, as they stand in a Parse message.
  // Named ones get a key and a server name, which costs a digest; unnamed ones come with every
  // query of many drivers and do without.
  StatementRef intern(Bytes text_and_types, const SettingsRef& settings, Naming naming,
                      Circumstances circumstances = {});
  // A named one, if it pays to have it: somebody has it, or this text has come before.
  StatementRef intern_repeated(Bytes text_and_types, const SettingsRef& settings,
                               Circumstances circumstances);
  std::size_t size() const { return table_.size(); }

 private:
  static constexpr std::size_t kSightings = 4096;

  StatementRef find(std::uint64_t hash, Bytes text_and_types, std::uint64_t shape,
                    Naming naming) const;
  void sweep();
  std::unordered_multimap<std::uint64_t, std::weak_ptr<const Statement>> table_;
  std::size_t sweep_at_ = 1024;
  // Of texts that came lately, by their digests; a later one takes an earlier one's place.
  std::vector<std::uint64_t> sightings_ = std::vector<std::uint64_t>(kSightings);
};

// The statements on one server, least recently used first out.
class ServerStatements {
 public:
  explicit ServerStatements(std::size_t max) : max_(max) {}
  // True (and now the most recently used) when the server holds it.
  bool touch(const StatementKey& key);
  bool holds(const StatementKey& key) const { return map_.contains(key); }
  bool holds_fresh(const StatementKey& key) const;
  // It was parsed there not before `since`, and without a warning, which everybody is to hear.
  bool parsed_since(const StatementKey& key, Instant since) const;
  void add(const StatementRef& statement, Instant now = Instant{INT64_MIN});
  void remove(const StatementKey& key);
  void clear();
  // The one to close before another is added; null while there is room. It is
  // removed here.
  StatementRef evict();
  std::size_t size() const { return map_.size(); }

  // A stale one is still on the server but must be closed and parsed anew before its next use
  // (its result type changed, or it may not be there any more).
  void mark_stale(const StatementKey& key);
  void mark_all_stale();
  void mark_warned(const StatementKey& key);

  // What it described the rows of a statement as, unless that is stale.
  RowShape rows(const StatementKey& key) const;
  void set_rows(const StatementKey& key, RowShape rows);

 private:
  struct Held {
    StatementRef statement;
    bool stale = false;
    RowShape rows = RowShape::unknown;
    Instant parsed_at = Instant{INT64_MIN};
    bool warned = false;
  };
  std::size_t max_;
  std::list<Held> order_;  // most recently used first
  std::unordered_map<StatementKey, std::list<Held>::iterator, StatementKeyHash> map_;
};

}  // namespace tidegate::postgres
