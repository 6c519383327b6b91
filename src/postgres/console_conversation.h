// A client of a virtual database (the console). Every query is a command that somebody above
// answers with a small table. Both query protocols are spoken, because many drivers know only the
// extended one; there are no parameters, and results are text.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "postgres/framing.h"
#include "postgres/messages.h"
#include "session/conversation.h"
#include "session/table.h"

namespace tidegate::postgres {

class ConsoleConversation {
 public:
  ConsoleConversation(session::ClientPort& port, session::VirtualDatabase& database,
                      const Startup& startup);
  ~ConsoleConversation();

  void welcome();
  // Takes everything; what must wait for an answer waits here.
  std::size_t from_client(Bytes bytes);
  void client_finished();
  void client_lost() { closed_ = true; }
  // A command is being answered, or waits behind one.
  bool busy() const { return running_ || !inbox_.empty(); }

 private:
  // What the answer to the running command is for.
  enum class Purpose : std::uint8_t { query, describe_statement, describe_portal, execute };
  struct Portal {
    std::string command;
    ResultFormats formats;
    std::optional<session::ConsoleReply> reply;  // of a Describe, kept for the Execute
  };

  void work();
  void message(const MessageHeader& header, Bytes body);
  void extended(char type, Bytes body);
  void parse(Bytes body);
  void bind(Bytes body);
  void describe(Bytes body);
  void execute(Bytes body);
  void close_named(Bytes body);
  void run(Purpose purpose, std::string_view command);
  void answered(session::ConsoleReply reply);
  void answer_query(const session::ConsoleReply& reply);
  void answer_describe(session::ConsoleReply reply);
  void answer_execute(const session::ConsoleReply& reply);
  void write_rows(const session::ConsoleReply& reply);
  void write_failure(std::string_view sqlstate, std::string_view message);
  void fail_extended(std::string_view sqlstate, std::string_view message);
  void violation(std::string_view detail);
  void close();
  void flush();

  session::ClientPort& port_;
  session::VirtualDatabase& database_;
  std::string user_;
  std::string application_name_;
  ByteBuffer inbox_;
  ByteBuffer out_;
  std::map<std::string, std::string, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
  Purpose purpose_ = Purpose::query;
  std::string described_portal_;
  ResultFormats formats_;  // of the answer to the running command
  bool running_ = false;
  bool working_ = false;
  bool skipping_ = false;  // after an error: everything up to the next Sync
  bool finished_ = false;
  bool closed_ = false;
  // Lets a late answer see that nobody waits for it.
  std::shared_ptr<ConsoleConversation*> self_;
};

}  // namespace tidegate::postgres
