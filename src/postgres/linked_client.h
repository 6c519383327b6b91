// What the walk of a server's replies needs of the client that the server is linked to.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "postgres/owed.h"
#include "postgres/row_shape.h"
#include "postgres/settings.h"
#include "session/turn.h"

namespace tidegate::postgres {

class LinkedClient {
 public:
  virtual ~LinkedClient() = default;

  virtual void to_client(Bytes bytes) = 0;
  // Empty, and lent for the length of one walk.
  virtual ByteBuffer& client_scratch() = 0;

  virtual const SettingsRef& settings() const = 0;
  virtual void setting_reported(std::string_view name, std::string_view value) = 0;
  // What is not the client's to set. Only of what the server reported at its login.
  virtual void fact_reported(std::string_view name, std::string_view value) = 0;
  // A request that changed the session's statements had no effect. `failed`: it was tried (a
  // failed Parse of the unnamed statement leaves none); otherwise it was skipped after an error.
  virtual void undone(const OwedReply& request, bool failed) = 0;
  // The answer to a Describe of a statement.
  virtual void rows_described(const OwedReply& request, RowShape rows) = 0;
  // DEALLOCATE ALL or DISCARD ALL was done; the latter, like RESET ALL, also reset the settings.
  virtual void statements_discarded() = 0;
  virtual void session_discarded() = 0;
  // Something is defined otherwise now, or will be when the transaction ends.
  virtual void schema_changed() = 0;
  virtual void committed() {}
  // The answer to what was asked of the session's settings: a row of it, that it was refused or is
  // too long, that it is over.
  virtual void inquiry_row(Bytes /*row*/) {}
  virtual void inquiry_failed() {}
  virtual void inquiry_over() {}
  // The server was notified. Gives whether the client is to be told by it, and not by the listener.
  virtual bool server_notified(Bytes /*body*/) { return false; }
  // A ReadyForQuery has come that the client is not to see yet: it is told later.
  virtual bool holds_ready(char /*status*/) { return false; }
  // What Tidegate asked for in the session's name failed: its settings are not in place.
  virtual void replay_failed(std::string_view message) = 0;
  // The server said its last word to the client itself.
  virtual void fatal_forwarded() = 0;
  virtual void ready(char status, const session::Turn& turn) = 0;

  // Everything that arrived was walked. The client may let go of the server here.
  virtual void replies_walked(const session::Turn& turn) = 0;
};

}  // namespace tidegate::postgres
