// What Tidegate says to a server in the client's place.
#include "postgres/message.h"
#include "postgres/messages.h"

namespace tidegate::postgres {

void write_startup(ByteBuffer& out, const Parameters& parameters) {
  Message message(out);
  message.be32(kProtocol30);
  for (const auto& [name, value] : parameters) {
    if (name.empty()) continue;  // it would end the list
    message.cstring(name).cstring(value);
  }
  message.u8(0);
}

void write_ssl_request(ByteBuffer& out) {
  Message(out).be32(kSslRequest);
}

void write_cancel_request(ByteBuffer& out, std::uint32_t pid, Bytes key) {
  Message(out).be32(kCancelRequest).be32(pid).bytes(key);
}

void write_password(ByteBuffer& out, std::string_view password) {
  Message(out, 'p').cstring(password);
}

void write_sasl_initial(ByteBuffer& out, std::string_view mechanism, std::string_view data) {
  Message(out, 'p').cstring(mechanism).be32(static_cast<std::uint32_t>(data.size())).text(data);
}

void write_sasl_response(ByteBuffer& out, std::string_view data) {
  Message(out, 'p').text(data);
}

void write_query(ByteBuffer& out, std::string_view sql) {
  Message(out, 'Q').cstring(sql);
}

void write_parse(ByteBuffer& out, std::string_view name, Bytes text_and_types) {
  Message(out, 'P').cstring(name).bytes(text_and_types);
}

void write_close_statement(ByteBuffer& out, std::string_view name) {
  Message(out, 'C').u8('S').cstring(name);
}

void write_sync(ByteBuffer& out) {
  Message(out, 'S');
}
void write_terminate(ByteBuffer& out) {
  Message(out, 'X');
}

}  // namespace tidegate::postgres
