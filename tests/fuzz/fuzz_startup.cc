// Startup packets and their options: any bytes are read or refused, and what was read can be
// written and read again.
#include "base/check.h"
#include "postgres/messages.h"

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

// The same startup as a packet of plain pairs, without its length and protocol number.
ByteBuffer body_of(const Startup& startup) {
  Parameters pairs = {{"user", startup.user}, {"database", startup.database}};
  if (!startup.replication.empty()) pairs.emplace_back("replication", startup.replication);
  pairs.insert(pairs.end(), startup.parameters.begin(), startup.parameters.end());
  ByteBuffer packet;
  write_startup(packet, pairs);
  return {packet.begin() + 8, packet.end()};
}

// Names that come out of `options` may be those that mean something of their own in a packet.
bool plain(const Startup& startup) {
  for (const auto& [name, value] : startup.parameters) {
    if (name == "user" || name == "database" || name == "replication" || name == "options" ||
        name.starts_with("_pq_.")) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Startup startup;
  if (read_startup({data, size}, startup) != StartupRead::ok) return 0;
  TG_CHECK(!startup.user.empty());
  TG_CHECK(!startup.database.empty());
  if (!plain(startup)) return 0;

  Startup again;
  TG_CHECK(read_startup(body_of(startup), again) == StartupRead::ok);
  TG_CHECK(again.user == startup.user);
  TG_CHECK(again.database == startup.database);
  TG_CHECK(again.replication == startup.replication);
  TG_CHECK(again.parameters == startup.parameters);
  return 0;
}
