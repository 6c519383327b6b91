// What is known about one logged-in server: what it owes, what it holds, and how it stands. The
// walk of requests writes it, the walk of replies settles it.
#pragma once

#include "postgres/messages.h"
#include "postgres/owed.h"
#include "postgres/settings.h"
#include "postgres/statements.h"
#include "session/conversation.h"

namespace tidegate::postgres {

struct ServerState {
  explicit ServerState(std::size_t statements_max) : statements(statements_max) {}

  OwedQueue owed;
  ServerStatements statements;
  // What its unnamed statement was made from, as far as that is known.
  StatementRef unnamed;
  SettingsRef defaults = Settings::empty();  // what it reported at its login, to be replayed
  SettingsRef have = Settings::empty();
  SettingsRef facts = Settings::empty();  // what it reports that is its own, as it stands now
  Parameters reported;                    // everything it reported, in the order of its login

  bool news = false;      // a fact has changed, and later logins are not told so yet
  bool promoted = false;  // that one: news for all at once, whatever its client does

  char status = 'I';                 // of the last ReadyForQuery
  std::uint64_t requests_ended = 0;  // by the ReadyForQuery of a client
  bool skipping = false;  // an error came, and it ignores everything until a Sync that is not sent
  bool unsynced = false;  // extended messages were sent after the last Sync
  bool inside_reply = false;   // a message has arrived in part ...
  bool inside_passed = false;  // ... and that part was forwarded to the client
  bool dirty = false;          // session state that Tidegate does not track was left on it
  bool listens = false;        // channels of its session's may be on it
  bool lasting = false;        // ... that even DISCARD ALL leaves there
  bool opaque = false;         // it ran what no text shows (DO, CALL): it may hold anything

  bool discarded = false;  // DISCARD ALL was done in the segment that runs

  session::PinCounts* pin_counts = nullptr;  // of the reason why a session keeps it, if one does

  // COPY FROM STDIN. While the server reads copy data it swallows Syncs without an answer; when it
  // fails in that time, nobody can tell how many of them it swallowed.
  bool copying_in = false;
  int swallowed_syncs = 0;
  bool doubtful = false;

  // One pipeline segment that may be sent again, if it is nothing but one named statement's Bind,
  // Describe, Execute and Sync outside a transaction. See replan.h.
  ByteBuffer segment;
  StatementRef segment_statement;
  bool segment_complete = false;  // its Sync was sent
  ByteBuffer resend;              // to be written to the server after this walk
  std::string stand_in;           // was left on it by a DEALLOCATE that failed; see stand_in.h

  // What is left when everything that was set has been taken away.
  SettingsRef bare() const {
    return have->prepared().empty() ? defaults : defaults->with_prepared(have->prepared());
  }

  // Nothing runs, nothing is owed, nothing is open: the next message may be anybody's.
  bool at_rest() const {
    return owed.empty() && status == 'I' && !unsynced && !skipping && !inside_reply;
  }
};

}  // namespace tidegate::postgres
