// The listener: a server that listens to channels for all clients of its database, and does nothing
// else. Questions to it go out as they come and are answered in order; in between, and never inside
// an answer, come the notifications.
#pragma once

#include <string>
#include <vector>

#include "postgres/linked_client.h"
#include "postgres/server_conversation.h"
#include "session/listening.h"

namespace tidegate::postgres {

class ListenerConversation final : public session::ListenerConversation, public LinkedClient {
 public:
  explicit ListenerConversation(session::ListenerPort& port) : port_(port) {}
  ~ListenerConversation() override;

  void linked(session::ServerConversation& server) override;
  void server_lost() override { server_ = nullptr; }
  void listen(const std::vector<std::string>& channels) override;
  void unlisten(const std::string& channel) override;
  void barrier() override;
  std::string encoding() const override;

  // --- From the walk of replies ---
  void to_client(Bytes) override {}
  ByteBuffer& client_scratch() override { return scratch_; }
  const SettingsRef& settings() const override { return settings_; }
  void setting_reported(std::string_view name, std::string_view value) override;
  void fact_reported(std::string_view, std::string_view) override {}
  void undone(const OwedReply&, bool) override {}
  void rows_described(const OwedReply&, RowShape) override {}
  void statements_discarded() override {}
  void session_discarded() override {}
  void schema_changed() override {}
  void inquiry_failed() override { refused_ = true; }
  void inquiry_over() override;
  void replay_failed(std::string_view) override {}
  void fatal_forwarded() override {}
  bool server_notified(Bytes body) override;
  void ready(char, const session::Turn&) override {}
  void replies_walked(const session::Turn&) override {}

 private:
  void ask(std::string_view sql);

  session::ListenerPort& port_;
  ServerConversation* server_ = nullptr;
  SettingsRef settings_ = Settings::empty();
  ByteBuffer scratch_;
  bool refused_ = false;  // the question that is being answered
};

}  // namespace tidegate::postgres
