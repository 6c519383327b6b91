// The listener between its port and a server that does what the test says.
#include "postgres/listener_conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres/message.h"
#include "postgres/messages.h"
#include "postgres/relay_testing.h"

namespace tidegate::postgres {
namespace {

using testing::Rig;

class ListenerTest : public ::testing::Test, public session::ListenerPort {
 protected:
  ListenerTest() {
    rig_.settle();
    server_ = rig_.servers.front().get();
    server_->deaf = true;
    server_->outgoing.clear();
    listener_ = std::make_unique<ListenerConversation>(*this);
    listener_->linked(*server_->conversation);
  }
  ~ListenerTest() override { listener_.reset(); }

  std::uint32_t sender_of(std::uint32_t process_id) override {
    return process_id == 7 ? 77 : process_id;
  }
  void notified(session::NotificationRef notification) override {
    heard_ += "[" + notification->channel + "]";
    last_ = notification->message;
  }
  void listener_answered() override { heard_ += "."; }
  void listener_refused(std::string_view) override { heard_ += "!"; }

  std::string asked() { return std::exchange(server_->outgoing, {}); }
  std::string heard() { return std::exchange(heard_, {}); }
  void say(const ByteBuffer& bytes) { server_->conversation->from_server(bytes, rig_.turn()); }
  void say_done() {
    ByteBuffer out;
    write_command_complete(out, "LISTEN");
    write_ready_for_query(out, 'I');
    say(out);
  }
  static ByteBuffer notification(std::uint32_t pid, std::string_view channel) {
    ByteBuffer out;
    Message(out, 'A').be32(pid).cstring(channel).cstring("payload");
    return out;
  }

  Rig rig_{1};
  testing::TestServer* server_;
  std::unique_ptr<ListenerConversation> listener_;
  std::string heard_;
  ByteBuffer last_;
};

TEST_F(ListenerTest, AsksOneAfterTheOtherAndIsAnsweredInOrder) {
  EXPECT_THAT(asked(), ::testing::HasSubstr("UNLISTEN *;")) << "it begins with nothing of others";
  listener_->listen({"a", "B\"c"});
  EXPECT_EQ(asked(), testing::query("LISTEN \"a\";LISTEN \"B\"\"c\";"));
  listener_->unlisten("a");
  EXPECT_EQ(asked(), testing::query("UNLISTEN \"a\""));
  listener_->barrier();
  EXPECT_EQ(asked(), testing::query(""));
  for (int i = 0; i < 4; ++i) {
    say_done();
    EXPECT_EQ(heard(), ".");
  }
}

TEST_F(ListenerTest, WhatIsHeardBeforeAnAnswerIsToldBeforeIt) {
  listener_->barrier();
  say_done();
  auto bytes = notification(5, "news");
  write_ready_for_query(bytes, 'I');
  say(bytes);
  EXPECT_EQ(heard(), ".[news].");
  EXPECT_EQ(last_, notification(5, "news"));
}

TEST_F(ListenerTest, ANotificationComesInPieces) {
  for (const auto byte : notification(5, "news")) {
    const std::uint8_t piece[] = {byte};
    server_->conversation->from_server(piece, rig_.turn());
  }
  EXPECT_EQ(heard(), "[news]");
  EXPECT_EQ(last_, notification(5, "news"));
}

TEST_F(ListenerTest, TheSenderIsNamedAsClientsKnowIt) {
  say(notification(7, "news"));
  EXPECT_EQ(last_, notification(77, "news"));
}

TEST_F(ListenerTest, ARefusalIsToldAtItsPlace) {
  listener_->listen({"a"});
  listener_->barrier();
  say_done();
  ByteBuffer bytes;
  write_error(bytes, ErrorText{.sqlstate = "25006", .message = "in recovery"});
  write_ready_for_query(bytes, 'I');
  say(bytes);
  EXPECT_EQ(heard(), ".!");
  say_done();
  EXPECT_EQ(heard(), ".");
}

TEST_F(ListenerTest, ItKnowsInWhichLettersItIsTold) {
  ByteBuffer bytes;
  write_parameter_status(bytes, "client_encoding", "LATIN1");
  say(bytes);
  EXPECT_EQ(listener_->encoding(), "LATIN1");
}

}  // namespace
}  // namespace tidegate::postgres
