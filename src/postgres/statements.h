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

namespace tidegate::postgres {

using StatementKey = std::array<std::uint8_t, 16>;
struct StatementKeyHash {
  std::size_t operator()(const StatementKey& key) const {
    std::size_t value = 0;
    static_assert(sizeof value <= sizeof key);
    __builtin_memcpy(&value, key.data(), sizeof value);
    return value;
  }
};

struct Statement {
  StatementKey key{};
  std::string server_name;       // "tidegate_" + 32 hex digits
  ByteBuffer text_and_types;     // the Parse message after the statement name
  std::uint64_t shape = 0;
};
using StatementRef = std::shared_ptr<const Statement>;

// One per worker: equal statements are one object for as long as somebody holds it. Bounded by
// what sessions hold.
class StatementTable {
 public:
  // `text_and_types`: query text, zero byte, parameter types, as they stand in a Parse message.
  StatementRef intern(Bytes text_and_types, std::uint64_t shape);
  std::size_t size() const { return table_.size(); }

 private:
  void sweep();
  std::unordered_multimap<std::uint64_t, std::weak_ptr<const Statement>> table_;
  std::size_t sweep_at_ = 1024;
};

// The statements on one server, least recently used first out.
class ServerStatements {
 public:
  explicit ServerStatements(std::size_t max) : max_(max) {}
  // True (and now the most recently used) when the server holds it.
  bool touch(const StatementKey& key);
  void add(const StatementRef& statement);
  void remove(const StatementKey& key);
  void clear();
  // The one to close before another is added; null while there is room. It is
  // removed here.
  StatementRef evict();
  std::size_t size() const { return map_.size(); }

 private:
  std::size_t max_;
  std::list<StatementRef> order_;  // most recently used first
  std::unordered_map<StatementKey, std::list<StatementRef>::iterator, StatementKeyHash> map_;
};

}  // namespace tidegate::postgres
