// Cancelling: PostgreSQL takes a bare CancelRequest on a connection of its own, does what it can,
// and closes (PostgreSQL manual, 55.2.7). Whether it reached the statement is never told.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class CancelConversation final : public session::SideConversation {
 public:
  CancelConversation(std::uint32_t process_id, Bytes key);

  Bytes tls_request() const override { return tls_request_; }
  bool tls_granted(Bytes answer) const override { return !answer.empty() && answer[0] == 'S'; }
  Bytes request() const override { return request_; }

 private:
  ByteBuffer tls_request_;
  ByteBuffer request_;
};

}  // namespace tidegate::postgres
