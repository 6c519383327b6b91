// A connection between two reactors: the socket and whatever of it lives outside the kernel.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "net/file_descriptor.h"
#include "net/reactor.h"
#include "net/tls_session.h"

namespace tidegate::net {

struct SocketParcel final : Parcel {
  FileDescriptor socket;
  bool unix_socket = false;
  bool input_finished = false;
  bool expects_input = false;  // just accepted, and the first bytes are likely to be there
  std::unique_ptr<TlsSession> tls;
  ByteBuffer unread_records;  // received, not yet decrypted
};

}  // namespace tidegate::net
