// The part of a login that only a server can answer: what the parameters of a startup packet come
// to ("utf-8" is UTF8, "5000" milliseconds are "5s"), and whether they are allowed. They are set
// on a server as the client would have had them set, and the answer is kept in the route's
// snapshot for the next client that asks for the same.
#pragma once

#include <optional>
#include <string>

#include "postgres/linked_client.h"
#include "postgres/messages.h"
#include "postgres/route_snapshot.h"
#include "postgres/server_conversation.h"

namespace tidegate::postgres {

class LoginProbe final : public LinkedClient {
 public:
  struct Refusal {
    std::string sqlstate;
    std::string message;
  };
  class Listener {
   public:
    virtual ~Listener() = default;
    // Nothing is owed any more, and the server may be released.
    virtual void probe_finished(const session::Turn& turn) = 0;
    // What others left on the server cannot be taken away: it is good for nobody, and another one
    // has to be asked.
    virtual void probe_spoilt() = 0;
  };

  // `doubtful`: what the snapshot says of the server may have changed. The server tells that in
  // front of its next ReadyForQuery.
  LoginProbe(Listener& listener, const Parameters& asked, bool doubtful);
  ~LoginProbe() override;

  // Asks what `snapshot` does not know, or finds that there is nothing to ask: finished() tells.
  // If it is null, the server's own reports have to do.
  void linked(ServerConversation& server, RouteSnapshotRef snapshot);
  // Lets go of the server, whose state is known again.
  void unlink();
  // It is gone: nothing to let go of.
  void server_lost() { server_ = nullptr; }

  bool finished() const { return finished_; }
  // It was only to be heard whether anything has changed: another server tells as well.
  bool asks_for_nothing() const { return doubtful_ && unknown_.empty(); }
  // Valid once it has finished.
  const std::optional<Refusal>& refusal() const { return refusal_; }
  bool answered() const { return unknown_.empty() || answer_ != nullptr; }
  // `snapshot`, which may be another one by now, with the answer in it if it fits.
  RouteSnapshotRef answer_in(const RouteSnapshotRef& snapshot) const;

  void to_client(Bytes bytes) override;
  ByteBuffer& client_scratch() override { return scratch_; }
  const SettingsRef& settings() const override { return settings_; }
  void setting_reported(std::string_view name, std::string_view value) override;
  void fact_reported(std::string_view, std::string_view) override {}
  void undone(const OwedReply&, bool) override {}
  void rows_described(const OwedReply&, RowShape) override {}
  void statements_discarded() override {}
  void session_discarded() override {}
  void schema_changed() override {}
  void replay_failed(std::string_view) override { spoilt_ = true; }
  void fatal_forwarded() override {}
  void ready(char, const session::Turn&) override { finished_ = true; }
  void replies_walked(const session::Turn& turn) override;

 private:
  void ask();
  void sync();
  void read_answers();
  void read_row(Bytes body);

  Listener& listener_;
  RouteSnapshotRef snapshot_;
  Parameters asked_;
  Parameters unknown_;
  ServerConversation* server_ = nullptr;
  SettingsRef settings_ = Settings::empty();
  ByteBuffer scratch_;
  ByteBuffer answers_;
  SettingsRef answer_;
  bool doubtful_;
  bool settling_ = false;  // the server is brought back to its defaults
  bool spoilt_ = false;
  bool finished_ = false;
  std::optional<Refusal> refusal_;
};

}  // namespace tidegate::postgres
