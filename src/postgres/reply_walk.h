// From a server to its client: walks the stream of replies, matches each message to the request
// that is owed it, and forwards, drops or replaces it. Rows and copy data pass in whole spans and
// are never gathered; the few messages that are read (ReadyForQuery, ParameterStatus, the head of
// an error, a command's tag) are kept only while they arrive in pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/reason.h"
#include "postgres/framing.h"
#include "postgres/linked_client.h"
#include "postgres/messages.h"
#include "postgres/outbox.h"
#include "postgres/server_state.h"
#include "session/turn.h"

namespace tidegate::postgres {

class ReplyWalk {
 public:
  explicit ReplyWalk(ServerState& state) : state_(state) {}

  struct Broken {
    Reason reason;
    std::string detail;
  };
  // The message that is passing by in pieces is not for whom comes next.
  void drop_rest() { passing_ = false; }
  // `client` may be null: then whatever should be forwarded is dropped.
  std::optional<Broken> walk(Bytes bytes, LinkedClient* client, const session::Turn& turn);

 private:
  struct ToClient {
    LinkedClient* client;
    void operator()(Bytes bytes) const { client->to_client(bytes); }
  };
  using Out = Outbox<ToClient>;
  struct Step {
    LinkedClient* client;
    Out& out;
    const session::Turn& turn;
  };
  enum class Verdict : std::uint8_t { pass, drop, replaced, broken };

  std::size_t take(Bytes rest, Step& step);
  std::size_t whole_rows(Bytes rest, const Step& step) const;
  std::size_t gather(Bytes rest, Step& step);
  // `read` begins with the header and has as much of the body as wanted() says.
  void message(const MessageHeader& header, Bytes read, bool borrowed, Step& step);
  std::size_t wanted(const MessageHeader& header) const;

  Verdict judge(const MessageHeader& header, Bytes body, Step& step);
  Verdict reply(char type, Step& step);
  Verdict ready(Bytes body, Step& step);
  Verdict late_ready(char status, Step& step);
  Verdict parameter_status(Bytes body, Step& step);
  Verdict fact_reported(std::string_view name, std::string_view value, bool quiet, Step& step);
  Verdict command_complete(Bytes body, Step& step);
  Verdict copy_in(Step& step);
  Verdict notice(Bytes body, Step& step);
  Verdict error(Bytes body, Step& step);
  Verdict not_prepared(const OwedReply& front);
  Verdict statement_error(const ErrorFields& fields, Bytes body, Step& step);
  bool rename(const OwedReply& front, Bytes body, Step& step);
  Verdict fatal(const ErrorFields& fields, Step& step);
  bool replace_error(const OwedReply& front, const ErrorFields& fields, Step& step);
  bool describes_statement() const;
  bool inquires() const { return !state_.owed.empty() && state_.owed.front().inquires; }
  void note_rows(Bytes description, Step& step);
  void skip_to_sync(Step& step);
  void undo(const OwedReply& request, bool failed, OwedReply* later, Step& step);
  void undo_unnamed(const OwedReply& request, bool failed, OwedReply* later);
  void settle(Step& step);
  Verdict break_off(Reason reason, std::string detail);

  ServerState& state_;
  ByteBuffer partial_;                // the beginning of a message, while the rest is on its way
  std::uint32_t body_left_ = 0;       // of a message whose beginning was judged
  bool passing_ = false;              // what becomes of those bytes
  std::optional<Broken> last_words_;  // FATAL: nothing comes behind this message
  std::optional<Broken> broken_;
};

}  // namespace tidegate::postgres
