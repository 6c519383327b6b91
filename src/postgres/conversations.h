// How the proxy makes PostgreSQL conversations. The classes behind these functions are in
// client_conversation.h and server_conversation.h; nobody outside this folder needs them.
#pragma once

#include <memory>

#include "postgres/settings_table.h"
#include "postgres/statements.h"
#include "postgres/welcome.h"
#include "session/conversation.h"

namespace tidegate::postgres {

// What the conversations of one worker share.
struct Workshop {
  StatementTable statements;
  SettingsTable settings;
  WelcomeTable welcomes;
  // Where the bytes of one step are put together; empty between steps.
  ByteBuffer to_client;
  ByteBuffer to_server;
};

std::unique_ptr<session::ClientConversation> make_client_conversation(session::ClientPort& port,
                                                                      Workshop& workshop);
std::unique_ptr<session::ServerConversation> make_server_conversation(
    session::ServerPort& port, const session::RouteRules& rules);
std::unique_ptr<session::ListenerConversation> make_listener_conversation(
    session::ListenerPort& port);

// For a connection that cannot stay and is not even listened to: an error with this reason. A
// client takes it in place of any answer that it may be waiting for.
ByteBuffer turned_away(Reason reason);

}  // namespace tidegate::postgres
