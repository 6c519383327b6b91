// The seam between a protocol and the proxy. A conversation is driven by what happens (bytes came,
// a server was given, a secret was found) and asks for what it needs through its port. It owns no
// socket, no clock and no thread, so it runs the same under epoll, in the simulator and in a unit
// test that hands it one byte at a time.
//
// Rules of the seam:
//  - A port call never calls back into the conversation before the current step has returned.
//    Answers to want_server, need_secret, need_scram_keys, start_tls come as later events.
//  - to_client and to_server are final: what was handed over will be sent in that order, or the
//    connection is lost.
//  - Back-pressure is the proxy's business: it stops feeding one side while the other is full.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hold.h"
#include "base/log.h"
#include "base/reason.h"
#include "session/failure.h"
#include "session/listening.h"
#include "session/schema_version.h"
#include "session/secret.h"
#include "session/table.h"
#include "session/turn.h"

namespace tidegate::session {

class ServerConversation;

// What a protocol learned from a server that any later client of the same route may be told
// without asking again (PostgreSQL: the reported parameters). Immutable, shared by all workers.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
};
using SnapshotRef = std::shared_ptr<const Snapshot>;

// Where the snapshot of a route is kept. By default none is.
class SnapshotPort {
 public:
  virtual ~SnapshotPort() = default;
  virtual SnapshotRef snapshot() { return nullptr; }
  // Puts `next` in the place of `former`. False when another has taken that place meanwhile: then
  // nothing is done, for what that one says must not get lost.
  virtual bool replace_snapshot(const SnapshotRef& /*former*/, SnapshotRef /*next*/) {
    return true;
  }
};

// The part of a route's configuration that a conversation acts on.
struct RouteRules {
  PoolMode mode = PoolMode::transaction;
  int client_statements_max = 5000;                   // named statements one session may hold
  std::size_t client_statement_bytes_max = 16 << 20;  // their texts, added up
  int server_statements_max = 200;               // prepared statements kept on one server (LRU)
  std::size_t statement_bytes_max = 128 * 1024;  // longer texts are not kept: they pin
  bool pins_allowed = true;
  // How long what was parsed for one client's unnamed statement serves others; 0: not at all.
  Duration share_unnamed_for = std::chrono::seconds(1);
  std::size_t notification_bytes_max = 1 << 20;  // kept for a client that cannot be told yet
  bool operator==(const RouteRules&) const = default;
};

// Pins of one reason, and the transactions that ended on a server that was pinned for it.
struct PinCounts {
  std::uint64_t pins = 0;
  std::uint64_t transactions = 0;
};

// Counted by conversations as things happen; one struct per worker and route, read by statistics.
struct Traffic {
  std::uint64_t logins = 0;
  std::uint64_t assignments = 0;
  std::uint64_t transactions = 0;
  std::uint64_t queries = 0;
  std::uint64_t bytes_from_clients = 0;
  std::uint64_t bytes_from_servers = 0;
  std::uint64_t transaction_us = 0;
  std::uint64_t query_us = 0;
  std::uint64_t wait_us = 0;
  std::uint64_t client_parses = 0;
  std::uint64_t server_parses = 0;
  std::uint64_t binds = 0;
  std::uint64_t settings_replays = 0;
  std::uint64_t cancels = 0;
  std::map<std::string_view, PinCounts> pins;  // by reason, which is a literal
};

struct TlsFacts {
  std::string version;
  std::string sni;
  std::string alpn;
  std::string peer_common_name;
  std::vector<std::uint8_t> channel_binding;  // tls-server-end-point
};

enum class Farewell : std::uint8_t {
  flush,  // what was written is delivered, then the connection ends
  now,    // it ends at once
};

// What a logged-in client may use: a route of servers, or a virtual database.
struct Destination {
  Reason refusal = Reason::none;  // anything else: not admitted
  std::string refusal_detail;     // names the limit or the database
  VirtualDatabase* virtual_database = nullptr;
  const RouteRules* rules = nullptr;  // lives as long as the client; may change on reload
  Traffic* traffic = nullptr;
  SchemaVersion* schema = nullptr;  // of the database; null: it never changes
};

class ClientPort : public SnapshotPort {
 public:
  virtual void to_client(Bytes bytes) = 0;
  virtual void close_client(Reason reason, Farewell how) = 0;

  // Login. tls_offered: whether this listener can do TLS; start_tls is answered with secured().
  virtual bool tls_offered() const = 0;
  virtual bool tls_required() const = 0;
  virtual bool cleartext_password_allowed() const = 0;
  virtual void start_tls() = 0;
  // The startup packet has said who comes and where to; nothing of it is proven yet.
  virtual void introduced(std::string_view /*user*/, std::string_view /*database*/) {}
  // Answered with secret_found().
  virtual void need_secret(std::string_view user, std::string_view database) = 0;
  // The password was right (or none needed): admission by limits, and where to. Login time ends
  // with login_done().
  virtual Destination admit(std::string_view user, std::string_view database) = 0;
  virtual void login_done(std::string_view application_name) = 0;
  // What the client may use later to cancel: process id and key, unique over the process.
  virtual std::uint32_t cancel_pid() = 0;
  virtual std::uint32_t cancel_key() = 0;
  // A bare cancel request arrived instead of a login; the conversation then closes.
  virtual void cancel_requested(std::uint32_t pid, Bytes key) = 0;

  // Servers. want_server is answered with linked() or refused(); at most one is asked for at a
  // time. release_server: nothing is owed and the server is ready for anybody. drop_server: close
  // it. After either the server must not be touched.
  virtual void want_server(HoldKind kind, FitTag fit) = 0;
  virtual void release_server() = 0;
  virtual void drop_server(Reason reason) = 0;
  // A transaction becomes a pin (`why` is shown to the operator) or ends being one. False: a limit
  // forbids it.
  virtual bool hold_changed(HoldKind kind, std::string_view why) = 0;

  // Whether what servers report may have changed and none has told: there is none, or those that
  // are have had nothing to answer lately. Who is told so is expected to ask one.
  virtual bool may_be_outdated() { return false; }
  virtual void application_name_changed(std::string_view name) = 0;
  virtual Log& log() = 0;

  // Notifications, over the listener that all clients of the database share. By default there is
  // none, and who listens does so on a server of its own.
  virtual bool can_listen() const { return false; }
  // Answered with hearing(), unless `request` is 0. What comes through the channels is told with
  // notified() from then on, or from a little before.
  virtual void listen(std::uint32_t /*request*/, std::vector<std::string> /*channels*/) {}
  virtual void unlisten(std::vector<std::string> /*channels*/) {}
  // Whether anybody listens in this database.
  virtual bool is_listened_to() const { return false; }
  // Answered with barrier_passed(): whatever was committed before has come to all who listen.
  virtual void want_barrier() {}
  // What this server process notifies of is this client's doing, until sent_all().
  virtual void sends_by(std::uint32_t /*process_id*/) {}
  virtual void sent_all(std::uint32_t /*process_id*/) {}
  // It does not read what it was sent already.
  virtual bool client_full() const { return false; }
};

// A client's conversation: from its first byte to its last, over any number of servers.
class ClientConversation {
 public:
  virtual ~ClientConversation() = default;

  // Takes bytes; gives how many it took. It takes less than all only while it waits for something
  // it asked for: the proxy keeps the rest, stops reading, and offers it again after each event
  // for as long as wants_input().
  virtual std::size_t from_client(Bytes bytes, const Turn& turn) = 0;
  virtual bool wants_input() const = 0;
  // The client closed its sending side; everything it sent before was offered and taken.
  virtual void client_finished(const Turn& turn) = 0;
  // The client's connection is gone; the port must not be written to. The conversation says what
  // is to become of its server, if it has one, through release_server / drop_server or by leaving
  // it linked with `abandon` (see ServerConversation); then the proxy deletes it.
  virtual void client_lost(const Turn& turn) = 0;

  virtual void secured(const TlsFacts& facts, const Turn& turn) = 0;
  virtual void secret_found(const Secret& secret, const Turn& turn) = 0;
  virtual void linked(ServerConversation& server, const Turn& turn) = 0;
  virtual void refused(const Failure& why, const Turn& turn) = 0;
  // The linked server is gone, whatever was owed: exactly one error goes to the client.
  virtual void server_lost(Reason reason, std::string_view detail, const Turn& turn) = 0;
  // The proxy leaves or a limit was hit: an error with this reason, then the end.
  virtual void dismiss(Reason reason, const Turn& turn) = 0;

  // See ClientPort::listen.
  virtual void hearing(const Hearing& /*answer*/, const Turn& /*turn*/) {}
  virtual void notified(const NotificationRef& /*notification*/, const Turn& /*turn*/) {}
  // Some may have been missed: there was no listener for a while.
  virtual void notifications_missed(const Turn& /*turn*/) {}
  virtual void barrier_passed(const Turn& /*turn*/) {}
  // The client reads again.
  virtual void client_drained(const Turn& /*turn*/) {}
  // For SHOW CLIENTS.
  virtual int channels() const { return 0; }

  // The client announced its end: what it asked for before is to be executed all the same.
  virtual bool said_goodbye() const = 0;
  // No transaction, nothing owed, no server: it may be dismissed without losing anything.
  virtual bool at_rest() const = 0;
  // For SHOW CLIENTS.
  virtual int prepared_statements() const = 0;
};

struct ServerRules {
  std::string user;
  std::string database;
  std::string password;                // empty: none is stored
  bool tls_wanted = false;             // sslmode prefer and up; see over_unix_socket()
  bool tls_required = false;           // sslmode require and up
  bool cleartext_allowed = false;      // send a cleartext password without TLS
  bool channel_binding_wanted = true;  // use SCRAM-SHA-256-PLUS when offered over TLS
  std::vector<std::pair<std::string, std::string>> startup_parameters;

  ~ServerRules() { wipe(password); }
};

class ServerPort : public SnapshotPort {
 public:
  virtual void to_server(Bytes bytes) = 0;
  virtual void start_tls() = 0;  // answered with secured()
  virtual const ServerRules& rules() const = 0;
  // Nobody listens in between, and there is no TLS over it: what the rules say of TLS does not
  // count. Of several hosts of an upstream one may be a unix socket and the next not.
  virtual bool over_unix_socket() const { return false; }
  // Answered with scram_keys(): from the cache, or derived off the worker. They follow from
  // password, salt and iterations alone, so that cached ones are never out of date.
  virtual void need_scram_keys(Bytes salt, std::uint32_t iterations) = 0;

  // Logged in; idle and ready for the pool.
  virtual void login_done() = 0;
  // The login failed. The proxy closes the connection.
  virtual void login_failed(const Failure& why) = 0;
  // verify() was answered, abandon() has ended well, or a standing server is usable again.
  virtual void verified() = 0;
  virtual void cleaned() = 0;
  // The server cannot be used any more (protocol error, unclean state, FATAL while idle). If it is
  // linked the proxy tells the client's conversation with server_lost().
  virtual void broken(Reason reason, std::string_view detail) = 0;
  virtual Log& log() = 0;
};

// A side conversation: a short errand on a connection of its own (cancel).
class SideConversation {
 public:
  virtual ~SideConversation() = default;
  // Where the connection is to be secured first: what asks for TLS, and whether the answer grants
  // it.
  virtual Bytes tls_request() const = 0;
  virtual bool tls_granted(Bytes answer) const = 0;
  // Then this is written, and the peer closes.
  virtual Bytes request() const = 0;
};

// A server's conversation: login, then what the linked client's conversation makes of it, and the
// errands between clients (verify, clean up after a client that left).
class ServerConversation {
 public:
  virtual ~ServerConversation() = default;

  virtual void start(const Turn& turn) = 0;  // connected
  virtual void secured(const TlsFacts& facts, const Turn& turn) = 0;
  virtual void scram_keys(const ScramKeys& keys, const Turn& turn) = 0;
  virtual void from_server(Bytes bytes, const Turn& turn) = 0;
  // The port changes when the server moves to another worker.
  virtual void set_port(ServerPort* port) = 0;

  // Before an assignment, when it was idle for long: answered with verified() or broken().
  virtual void verify(const Turn& turn) = 0;
  // The client left while linked. Everything still owed is dropped, an open transaction is rolled
  // back, session state is reset; ends with cleaned() or broken(). False: in the middle of a
  // message, close it.
  virtual bool abandon(const Turn& turn) = 0;
  // Whether a statement is running now, so that a cancel has something to reach.
  virtual bool busy() const = 0;
  // Whether a cancel that is sent now can hit nothing but the client's own requests. Until then
  // something of ours runs before them, such as the settings that they need.
  virtual bool cancellable() const = 0;
  // How many of the clients' requests have ended here: a cancel is for the one that ran when it
  // came, and for none behind it.
  virtual std::uint64_t requests_ended() const = 0;
  virtual std::unique_ptr<SideConversation> make_cancel() const = 0;
  // Says goodbye (Terminate / COM_QUIT) before an orderly close.
  virtual void terminate() = 0;

  virtual FitTag fit() const = 0;
  // For SHOW SERVERS.
  virtual int prepared_statements() const = 0;
  virtual std::uint32_t process_id() const = 0;
};

}  // namespace tidegate::session
