// From a client to its server: walks the stream of requests for the length of one step. A message
// that lies whole in what came is dealt with in place; one that is cut is kept until it is
// complete, or, when it is large, passes by in pieces. Neighbours that pass unchanged leave in one
// write.
//
// Every request that will be answered gets an entry in the server's queue of owed replies here,
// and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/reason.h"
#include "postgres/framing.h"
#include "postgres/outbox.h"
#include "postgres/restorations.h"
#include "postgres/session.h"

namespace tidegate::postgres {

class RequestWalk {
 public:
  RequestWalk(Session& session, const session::Turn& turn);
  ~RequestWalk();

  // Gives how many bytes it took.
  std::size_t run(Bytes bytes);
  // Deals with the message in the session's stash, which had to wait.
  void retry();

 private:
  struct ToServer {
    Session& session;
    void operator()(Bytes bytes) const { session.server_->send(bytes); }
  };
  struct ToClient {
    Session& session;
    void operator()(Bytes bytes) const { session.port_.to_client(bytes); }
  };

  // --- Framing: request_walk.cc. `false`: not now, nothing was done. ---
  std::size_t take(Bytes rest);
  std::size_t fill_stash(Bytes rest);
  bool deal_with_stash(const MessageHeader& header);
  std::size_t stream(Bytes rest);
  bool whole(const MessageHeader& header, Bytes message);
  bool begin(const MessageHeader& header, Bytes part);
  bool discard(const MessageHeader& header, Bytes part);
  void end_of_stream();
  void violation(std::string_view detail);
  void too_large(std::string_view detail);

  // --- One function per request: request_walk.cc ---
  bool dispatch(const MessageHeader& header, Bytes message);
  bool execute(Bytes message);
  // One that may change settings, or is taken for it.
  void setting_executed(Bytes message);
  bool sync(Bytes message);
  bool flush_request(Bytes message);
  bool function_call(Bytes message);
  bool copy_data(Bytes message);
  bool copy_end(Bytes message);
  void terminate();
  void flush_both();

  // --- Simple queries: request_query.cc ---
  bool query(Bytes message);
  bool query_with_effects(Bytes message, const sql::Effects& effects);
  bool begin_query(const MessageHeader& header, Bytes part);
  void end_query();
  void judge_streamed(std::string_view where);
  void send_query(Bytes message);
  OwedReply& owe_query();
  bool refuse_query(Reason reason, std::string_view detail);

  // --- DEALLOCATE: request_deallocate.cc ---
  bool deallocate(const sql::Effects& effects);
  // False: too many.
  bool note_deallocation(std::string_view portal, const sql::Effects& effects);
  std::string name_deallocated_by(std::string_view portal) const;
  bool execute_deallocate(Bytes message, const std::string& name);

  // --- What resets settings: request_resets.cc ---
  std::vector<Restoration> restorations_of(const sql::Effects& effects);
  bool reset_alone(Bytes message, const Restoration& restoration);
  void forget_unnamed();
  bool reset_among_others(Bytes message, const std::vector<Restoration>& all);
  // False: too many.
  bool note_portal(std::string_view portal, const sql::Effects& effects);
  void restore_behind(std::string_view portal);
  void restore(const Restoration& restoration);
  void ask_unseen(std::string_view text, Action action);

  // Whether executing this portal resets or deallocates something.
  bool is_noted(std::string_view portal) const;
  void forget_portal(std::string_view portal);

  // --- Prepared statements: request_statements.cc ---
  bool parse(Bytes message);
  StatementRef intern(Bytes text_and_types, Naming naming);
  bool parse_named(Bytes message, std::string_view name, Bytes text_and_types);
  bool parse_duplicate(std::string_view name, Bytes text_and_types);
  // Gives what is full, or Reason::none.
  Reason room_for_name(std::size_t text_bytes) const;
  bool parse_unnamed(Bytes message, Bytes text_and_types);
  // In the place of the unnamed statement: request_shared.cc
  bool may_share() const;
  StatementRef shared(Bytes text_and_types);
  bool parse_shared(StatementRef statement);
  void replace_unnamed(OwedReply& by, StatementRef statement);
  bool begin_parse(const MessageHeader& header, Bytes part);
  void owe_duplicate(std::string_view name);
  // Gives the reason why it cannot live there under that name, or Reason::none.
  Reason allow_large(std::string_view name);
  void owe_large(std::string_view name);
  void scan_parse(Bytes piece);
  void end_parse();
  bool bind(const MessageHeader& header, Bytes part);
  bool bind_unnamed(const MessageHeader& header, Bytes part, std::string_view portal);
  // `part` without its names. `statement` is what `name` means to the client.
  bool bind_known(const MessageHeader& header, std::string_view portal, std::string_view name,
                  StatementRef statement, Bytes values);
  bool bind_as_named(Bytes part, std::string_view name);
  bool describe(Bytes message);
  bool close(Bytes message);
  bool close_of_nothing(Bytes message);
  bool send_parse(const StatementRef& statement, Action action, std::string_view name);

  // --- Statements that the server lacks: request_supply.cc ---
  // Puts it there; what the request has to name may be another one in its place.
  void need_statement(StatementRef& statement);
  void need_unnamed();
  bool has_unnamed() const;
  // Whether rows of a statement would look as the client was told. `asked`: the server will say.
  enum class Rows : std::uint8_t { same, changed, asked };
  Rows compare_rows(StatementRef statement, RowShape told);
  bool refuse_changed_rows(const Statement& statement);
  // Whether a Parse at this moment would make the same of it.
  bool would_read_alike(const Statement& statement) const;
  // What a statement stands for where texts are read in a way that nobody else may meet.
  StatementRef for_here(const StatementRef& statement, Naming naming);
  template <typename Parse>
  void read_as_before(const Statement& statement, Parse parse);

  bool may_fake_parse(const StatementRef& statement) const;
  // Gives the reason why the statement cannot be allowed, or Reason::none.
  // `text` is nothing where it passed in pieces.
  Reason pin_for(const sql::Effects& effects, std::optional<std::string_view> text);
  Pin pin_of(const sql::Effects& effects, std::optional<std::string_view> text);
  void note_reading(const sql::Effects& effects, std::string_view text);
  bool may_misread(Bytes text) const;
  Reason allow_bind(std::string_view portal, const Statement& statement);
  bool opens_forbidden_transaction(const sql::Effects& effects) const;
  std::string_view refusal_detail(const sql::Effects& effects) const;
  bool refuse(Reason reason, std::string_view detail);
  bool nothing_of_the_clients_is_open() const;
  bool rules_in_flight() const;
  bool unsettled() const;
  bool unnamed_unsettled() const;
  bool names_unsettled() const;
  bool being_forgotten() const;
  bool block_is_asked_about() const;
  bool must_wait_to_put(const Statement& statement) const;
  void note_doubt();
  void end_segment();
  bool stall();

  // --- Common ---
  bool need_server();
  // False: the text has to wait for the listener.
  bool hears(const sql::Effects& effects) { return effects.none() || session_.hears(effects); }
  bool waits_for_notified() const;
  void mind_channels();
  bool owed_full(char type);
  ServerState& state() { return session_.server_->state(); }
  OwedReply& owe(Reply reply, Action action = Action::forward);
  void answer_fakes();
  void extended_sent(char type, Bytes message);
  bool server_linked() const { return session_.server_ != nullptr; }

  Session& session_;
  const session::Turn& turn_;
  Bytes behind_;     // the message at hand, as far as it came with it
  ByteBuffer held_;  // a message out of the stash, until what passes of it is written
  Outbox<ToServer> to_server_;
  Outbox<ToClient> to_client_;
};

}  // namespace tidegate::postgres
