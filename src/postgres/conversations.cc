#include "postgres/conversations.h"

#include "postgres/client_conversation.h"
#include "postgres/listener_conversation.h"
#include "postgres/messages.h"
#include "postgres/server_conversation.h"

namespace tidegate::postgres {

std::unique_ptr<session::ClientConversation> make_client_conversation(session::ClientPort& port,
                                                                      Workshop& workshop) {
  return std::make_unique<ClientConversation>(port, workshop);
}

std::unique_ptr<session::ServerConversation> make_server_conversation(
    session::ServerPort& port, const session::RouteRules& rules) {
  return std::make_unique<ServerConversation>(port, rules);
}

std::unique_ptr<session::ListenerConversation> make_listener_conversation(
    session::ListenerPort& port) {
  return std::make_unique<ListenerConversation>(port);
}

ByteBuffer turned_away(Reason reason) {
  ByteBuffer message;
  write_error(message, reason, "FATAL");
  return message;
}

}  // namespace tidegate::postgres
