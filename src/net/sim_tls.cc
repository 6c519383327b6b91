#include "net/sim_tls.h"

namespace tidegate::net {

namespace {

constexpr std::uint8_t kHandshake = 0x16;
constexpr std::uint8_t kAlert = 0x15;
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;
constexpr std::size_t kRecordHeaderBytes = 5;

}  // namespace

// A record as TLS frames it (type, version, 16-bit length), with our own content.
ByteBuffer write_sim_hello(const SimHello& hello) {
  ByteBuffer content;
  ByteWriter writer(content);
  writer.u8(hello.kind == SimHello::Kind::client ? kClientHello : kServerHello);
  writer.cstring(hello.sni).cstring(hello.alpn).cstring(hello.common_name);
  writer.bytes(hello.channel_binding);

  ByteBuffer record;
  ByteWriter(record)
      .u8(hello.kind == SimHello::Kind::alert ? kAlert : kHandshake)
      .be16(0x0303)
      .be16(static_cast<std::uint16_t>(content.size()))
      .bytes(content);
  return record;
}

SimHelloRead read_sim_hello(Bytes bytes, SimHello& out, std::size_t& taken) {
  if (bytes.empty()) return SimHelloRead::need_more;
  if (bytes[0] != kHandshake && bytes[0] != kAlert) return SimHelloRead::malformed;
  if (bytes.size() < kRecordHeaderBytes) return SimHelloRead::need_more;
  const std::size_t length = load_be16(bytes.data() + 3);
  if (bytes.size() < kRecordHeaderBytes + length) return SimHelloRead::need_more;
  taken = kRecordHeaderBytes + length;

  ByteReader reader(bytes.subspan(kRecordHeaderBytes, length));
  const auto kind = reader.u8();
  out.sni = reader.cstring();
  out.alpn = reader.cstring();
  out.common_name = reader.cstring();
  out.channel_binding.assign(reader.rest().begin(), reader.rest().end());
  if (!reader.ok()) return SimHelloRead::malformed;
  out.kind = bytes[0] == kAlert     ? SimHello::Kind::alert
             : kind == kClientHello ? SimHello::Kind::client
                                    : SimHello::Kind::server;
  return SimHelloRead::ok;
}

TlsInfo tls_info(const SimHello& client, const SimHello& server) {
  TlsInfo info;
  info.version = "TLSv1.3";
  info.cipher = "TLS_SIMULATED";
  info.sni = client.sni;
  info.alpn = server.alpn;
  info.channel_binding = server.channel_binding;
  return info;
}

}  // namespace tidegate::net
