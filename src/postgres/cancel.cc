#include "postgres/cancel.h"

#include "postgres/messages.h"

namespace tidegate::postgres {

CancelConversation::CancelConversation(std::uint32_t process_id, Bytes key) {
  write_ssl_request(tls_request_);
  write_cancel_request(request_, process_id, key);
}

}  // namespace tidegate::postgres
