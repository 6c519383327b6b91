// TLS in the simulation: an exchange of two records that agree on what a real handshake would have
// agreed on - server name, protocol, channel binding - and then nothing is encrypted. The records
// begin like real ones, so that code which looks at the first byte of a connection sees the truth.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/tls.h"

namespace tidegate::net {

struct SimHello {
  enum class Kind : std::uint8_t { client, server, alert };
  Kind kind = Kind::client;
  std::string sni;
  std::string alpn;
  std::string common_name;
  ByteBuffer channel_binding;
};

ByteBuffer write_sim_hello(const SimHello& hello);

enum class SimHelloRead : std::uint8_t { ok, need_more, malformed };
// Reads a hello at the start of `bytes`; `taken` is how long it was.
SimHelloRead read_sim_hello(Bytes bytes, SimHello& out, std::size_t& taken);

TlsInfo tls_info(const SimHello& client, const SimHello& server);

}  // namespace tidegate::net
