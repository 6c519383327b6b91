#include "postgres/console_conversation.h"

#include <functional>

#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

class FakeConsole : public session::VirtualDatabase {
 public:
  void run(std::string_view user, std::string_view command,
           std::move_only_function<void(session::ConsoleReply)> done) override {
    EXPECT_EQ(user, "u");
    commands.emplace_back(command);
    if (hold) {
      held = std::move(done);
      return;
    }
    done(reply_to(command));
  }
  static session::ConsoleReply reply_to(std::string_view command) {
    session::ConsoleReply reply;
    if (command == "BAD") {
      reply.error = "no such command";
      reply.sqlstate = "42601";
    } else if (command.starts_with("SHOW")) {
      reply.table = session::Table{{{"version", session::CellType::text}}, {{"1.0"}}};
      reply.tag = "SHOW";
    } else {
      reply.tag = "RELOAD";
    }
    return reply;
  }

  std::vector<std::string> commands;
  bool hold = false;
  std::move_only_function<void(session::ConsoleReply)> held;
};

std::string console_startup() {
  std::string packet = startup();
  const auto at = packet.find(std::string("database\0d\0", 11));
  packet.replace(at + 9, 1, "console");
  std::uint8_t length[4];
  store_be32(length, static_cast<std::uint32_t>(packet.size()));
  packet.replace(0, 4, as_text(Bytes(length)));
  return packet;
}

struct ConsoleRig {
  ConsoleRig() {
    rig.console = &console;
    client.send(console_startup());
    EXPECT_TRUE(client.answers().ends_with("KZ[I]"));
  }
  Rig rig{0};
  FakeConsole console;
  TestClient& client = rig.client();
};

TEST(Console, SimpleQueries) {
  ConsoleRig test;
  EXPECT_EQ(test.client.ask(query("SHOW VERSION;")), "TD[1.0]C[SHOW]Z[I]");
  EXPECT_EQ(test.console.commands.back(), "SHOW VERSION");
  EXPECT_EQ(test.client.ask(query("RELOAD")), "C[RELOAD]Z[I]");
  EXPECT_EQ(test.client.ask(query("BAD")), "E[42601]Z[I]");
  EXPECT_EQ(test.client.ask(query(" ; ")), "IZ[I]");
}

TEST(Console, CommentsAreBlanks) {
  ConsoleRig test;
  const std::pair<const char*, const char*> cases[] = {
      {"SHOW VERSION -- x", "SHOW VERSION"},
      {"SHOW VERSION; -- x\n;", "SHOW VERSION"},
      {"/* a */ SHOW VERSION", "SHOW VERSION"},
      {"-- it's one\nSHOW VERSION ;; ", "SHOW VERSION"},
      {"SHOW/* a /* nested */ -- */VERSION /* open", "SHOW VERSION"},
      {"  SHOW \t\n  VERSION  ", "SHOW \t\n  VERSION"},
      {"SET a = '--x' -- y", "SET a = '--x'"},
      {"SET a = \"/*\" /**/", "SET a = \"/*\""},
      {"SET a = 'it''s -- x", "SET a = 'it''s -- x"},
      {"SHOW a-b/c", "SHOW a-b/c"},
  };
  for (const auto& [text, command] : cases) {
    test.client.ask(query(text));
    ASSERT_FALSE(test.console.commands.empty()) << text;
    EXPECT_EQ(test.console.commands.back(), command) << text;
  }
  EXPECT_EQ(test.client.ask(query("-- nothing")), "IZ[I]");
  EXPECT_EQ(test.client.ask(parse("", "/* a */ SHOW VERSION --") + binding("", "") +
                            describe('P', "") + execute() + sync()),
            "12TD[1.0]C[SHOW]Z[I]");
}

TEST(Console, ExtendedProtocol) {
  ConsoleRig test;
  EXPECT_EQ(test.client.ask(parse("s", "SHOW VERSION") + describe('S', "s") + sync()), "1tTZ[I]");
  EXPECT_EQ(test.client.ask(binding("", "s") + describe('P', "") + execute() + sync()),
            "2TD[1.0]C[SHOW]Z[I]");
  EXPECT_EQ(test.client.ask(parse("", "RELOAD") + binding("", "") + describe('P', "") + execute() +
                            close('S', "s") + sync()),
            "12nC[RELOAD]3Z[I]");
  EXPECT_EQ(test.client.ask(binding("", "s") + execute() + sync()), "E[26000]Z[I]");
}

// A command that does something runs once, at Execute, never for a Describe.
TEST(Console, DescribeDoesNotRunCommands) {
  ConsoleRig test;
  test.client.ask(parse("", "RELOAD") + describe('S', "") + binding("", "") + describe('P', "") +
                  sync());
  EXPECT_TRUE(test.console.commands.empty());
}

TEST(Console, LateAnswersKeepTheirOrder) {
  ConsoleRig test;
  test.console.hold = true;
  EXPECT_EQ(test.client.ask(query("SHOW VERSION") + query("RELOAD")), "");
  test.console.hold = false;
  std::exchange(test.console.held, {})(FakeConsole::reply_to("SHOW VERSION"));
  EXPECT_EQ(test.client.answers(), "TD[1.0]C[SHOW]Z[I]C[RELOAD]Z[I]");
}

TEST(Console, AnAnswerAfterTheEndIsDropped) {
  ConsoleRig test;
  test.console.hold = true;
  test.client.send(query("SHOW VERSION"));
  test.client.conversation->client_lost(test.rig.turn());
  test.client.conversation.reset();
  test.console.held(FakeConsole::reply_to("SHOW VERSION"));
  EXPECT_EQ(test.client.answers(), "");
}

TEST(Console, ParametersAreRefused) {
  ConsoleRig test;
  EXPECT_EQ(test.client.ask(parse("", "SHOW VERSION") + binding("", "", "x") + sync()),
            "1E[42P02]Z[I]");
}

TEST(Console, TooLongMessagesEndIt) {
  ConsoleRig test;
  EXPECT_EQ(test.client.ask(query(std::string(100'000, 'x'))), "E[FATAL 08P01]");
}

}  // namespace
}  // namespace tidegate::postgres::testing
