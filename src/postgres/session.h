// What a logged-in client believes it has: its settings, its prepared statements, its place in a
// transaction. A session outlives any one server. It asks for a server when a request needs one,
// puts its settings in place there, and lets go when the transaction is over and nothing is owed.
//
// An idle session owns this object and its map of statements, and no buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "postgres/channels.h"
#include "postgres/conversations.h"
#include "postgres/inquiry.h"
#include "postgres/linked_client.h"
#include "postgres/name_doubts.h"
#include "postgres/pins.h"
#include "postgres/reading.h"
#include "postgres/restorations.h"
#include "postgres/server_conversation.h"
#include "postgres/statement_names.h"
#include "session/conversation.h"
#include "sql/postgres_scanner.h"

namespace tidegate::postgres {

class Session final : public LinkedClient {
 public:
  // `welcome`: what the client was told at its login.
  Session(session::ClientPort& port, Workshop& workshop, const session::Destination& destination,
          const Welcome& welcome);
  ~Session() override;

  // --- From the proxy; see session::ClientConversation ---
  std::size_t from_client(Bytes bytes, const session::Turn& turn);
  bool wants_input() const {
    return !waiting_ && !settling_ && !stalled_ && !closed_ && !awaits_listener_ &&
           !asks_channels_ && !holding_ready_;
  }
  void client_finished(const session::Turn& turn);
  void client_lost();
  bool said_goodbye() const { return said_goodbye_; }
  void linked(ServerConversation& server, const session::Turn& turn);
  void refused(const session::Failure& why, const session::Turn& turn);
  void server_lost(Reason reason, std::string_view detail, const session::Turn& turn);
  void dismiss(Reason reason);
  bool at_rest() const;
  int prepared_statements() const { return static_cast<int>(names_.size()); }
  int channels() const {
    return channels_ == nullptr ? 0 : static_cast<int>(channels_->heard().size());
  }
  void hearing(const session::Hearing& answer, const session::Turn& turn);
  void notified(const session::NotificationRef& notification);
  void notifications_missed();
  void barrier_passed(const session::Turn& turn);
  void client_drained() { tell_notifications(); }

  // --- From the walk of replies ---
  void to_client(Bytes bytes) override { port_.to_client(bytes); }
  ByteBuffer& client_scratch() override { return workshop_.to_client; }
  const SettingsRef& settings() const override { return settings_; }
  void setting_reported(std::string_view name, std::string_view value) override;
  void fact_reported(std::string_view name, std::string_view value) override;
  void undone(const OwedReply& request, bool failed) override;
  void rows_described(const OwedReply& request, RowShape rows) override;
  void statements_discarded() override;
  void session_discarded() override;
  void schema_changed() override;
  void committed() override;
  void inquiry_row(Bytes row) override;
  void inquiry_failed() override;
  void inquiry_over() override;
  bool server_notified(Bytes body) override;
  bool holds_ready(char status) override;
  void replay_failed(std::string_view message) override;
  void fatal_forwarded() override { fatal_forwarded_ = true; }
  void ready(char status, const session::Turn& turn) override;
  void replies_walked(const session::Turn& turn) override;

 private:
  friend class RequestWalk;

  // What becomes of the rest of a message that is passing by in pieces.
  enum class Streaming : std::uint8_t { none, forward, query, parse, discard };

  struct ResettingPortal {
    std::string portal;
    Restoration restoration;
  };
  struct DeallocatingPortal {
    std::string portal, name;
  };
  // What no report tells of it.
  struct Unknown {
    Touched touched;
    std::optional<Inquiry> inquiry;  // on its way to the server; of what was touched before
    Pin found;                       // by an answer: a reason to keep the server
    bool refused = false;            // the question was, once

    bool asks_for_others() const { return inquiry && inquiry->touched().others; }
    bool may_have_prepared() const {
      return touched.prepared || (inquiry && inquiry->touched().prepared);
    }
    bool shapes_parsing() const {
      return touched.shapes_parsing() || (inquiry && inquiry->touched().shapes_parsing());
    }
  };
  struct NotedPortals {
    std::vector<ResettingPortal> resetting;
    std::vector<DeallocatingPortal> deallocating;
  };

  void settle_settings();
  void tell_facts();
  void settled();
  void replay_refused();
  void terminated();
  void ask_for_server();
  void resume(const session::Turn& turn);
  bool can_release() const;
  void let_go();
  void touch(const Touched& touched);
  // What a question that is on its way finds may be taken back behind it.
  void touch_asked();
  bool touches_too_many() const { return unknown_ != nullptr && unknown_->touched.too_many(); }
  // Statements of SQL on its server.
  bool may_have_prepared() const {
    return pinned_ || rules_.mode == PoolMode::session || !settings_->prepared().empty() ||
           (unknown_ != nullptr && unknown_->may_have_prepared());
  }
  // Pinned by what may be gone.
  bool may_unpin() const {
    return pinned_ && !pin_lasts_ && unknown_ != nullptr && unknown_->touched.holds;
  }
  void inquire();
  void take_answer(const Inquiry& answered);
  void end_pin();
  void keep_server(Pin why);
  // --- Notifications: session_channels.cc ---
  bool hears(const sql::Effects& effects);
  void hears_late(const sql::Effects& effects);
  bool begin_channels(const sql::Effects& effects);
  void notify();
  void send_by_server();
  void forget_sender();
  void forget_channels();
  bool letters_differ() const;
  void put_channels();
  bool must_ask_channels() const;
  void ask_channels();
  void channels_answered();
  void keep_channels_here();
  void listen_on_server();
  bool is_quiet() const;
  void tell_notifications();
  void stop_holding(const session::Turn& turn);
  // Whether its LISTEN is nothing that ties it to a server.
  bool has_listener() const { return channels_ != nullptr && !channels_->denied(); }

  // What sets its statements apart while the server reads texts in a way that only it has.
  std::uint64_t reading_salt();
  std::uint64_t own_salt() const;
  std::uint64_t schema_version() const { return schema_ == nullptr ? 0 : schema_->now(); }
  // In which a text that comes now is parsed.
  Circumstances circumstances();
  void note_changes(Changes changed);
  void publish_schema();
  void release();
  void drop(Reason reason);
  void detach();
  bool no_portals() const { return portals_ == nullptr && !reading_.has_portals(); }
  NotedPortals& noted_portals();
  void forget_portals();
  // The unnamed statement lives on servers under a name of ours.
  bool shares_unnamed() const { return unnamed_ != nullptr && !unnamed_->server_name.empty(); }
  bool keeps_unnamed() const { return unnamed_ == nullptr || unnamed_->kept; }
  bool awaits_answers() const;
  void finish_if_done();
  void fail(Reason reason, std::string_view detail);
  bool inside_reply() const;
  void fail(const session::Failure& why);
  void drop_and_fail(Reason reason, std::string_view detail);
  void close(Reason reason, session::Farewell how);
  // Both give the reason why not, or Reason::none.
  Reason hold(std::string_view why);
  Reason pin(Pin pin);
  void unpin();

  session::ClientPort& port_;
  Workshop& workshop_;
  const session::RouteRules& rules_;
  session::Traffic& traffic_;
  session::SchemaVersion* schema_;  // may be null
  ServerConversation* server_ = nullptr;

  SettingsRef settings_;
  SettingsRef at_startup_;            // those that it asked for itself; RESET goes back to them
  SettingsRef facts_;                 // what it was told that is the server's own
  std::unique_ptr<Unknown> unknown_;  // null when all is known
  StatementNames names_;
  StatementRef unnamed_;

  std::unique_ptr<Channels> channels_;     // null when it listens to nothing
  std::unique_ptr<NotedPortals> portals_;  // of this transaction; null when there are none

  ByteBuffer stash_;  // the beginning of a message that cannot be dealt with yet
  std::unique_ptr<sql::PostgresScanner> scanner_;  // of a text that is passing in pieces
  std::unique_ptr<std::string> replay_error_;      // why the settings could not be put in place
  std::uint32_t body_left_ = 0;                    // of the message that is passing in pieces
  bool text_ended_ = false;                        // of a Parse that passes in pieces
  Streaming streaming_ = Streaming::none;

  Instant transaction_since_{};
  Instant query_since_{};

  std::uint32_t own_version_ = 0;  // of how this session alone reads texts
  Reason refusal_ = Reason::none;  // what the message that waited for a server is answered with

  bool waiting_ = false;            // for a server
  bool settling_ = false;           // for the reply to settings that may be refused
  bool putting_right_ = false;      // among them, what takes away that others left
  bool awaits_listener_ = false;    // for it to listen to what the next message will
  bool asks_channels_ = false;      // of its server, which forgets them then
  bool notifies_ = false;           // somebody, when this transaction commits
  bool sends_by_server_ = false;    // those who listen were told whose server this is
  bool holding_ready_ = false;      // until whoever listens has been told what was committed
  bool barrier_passed_ = false;     // ... which is so
  bool stalled_ = false;            // for replies that decide what the next message means
  bool said_goodbye_ = false;       // by Terminate
  bool finished_ = false;           // the client sends no more
  bool closed_ = false;             // close_client was called
  bool fatal_forwarded_ = false;    // the server said the last word
  bool discarding_ = false;         // after a refusal: everything up to the next Sync
  bool pinned_ = false;             // state was left on the server
  bool pin_lasts_ = false;          // ... that cannot be asked for
  bool pinned_by_unnamed_ = false;  // the unnamed statement is too long to keep
  bool changes_schema_ = false;     // the transaction did
  bool rows_asked_ = false;         // for the Bind that waits
  Reading reading_;
  NameDoubts doubts_;
};

}  // namespace tidegate::postgres
