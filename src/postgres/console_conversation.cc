#include "postgres/console_conversation.h"

#include <algorithm>
#include <utility>

#include "postgres/console_command.h"
#include "postgres/message.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kCommandBytesMax = 64 * 1024;
constexpr std::size_t kInboxBytesMax = 256 * 1024;
constexpr std::size_t kNamesMax = 100;

// Only these give rows, and they change nothing, so that they may run for a Describe too.
bool gives_rows(std::string_view command) {
  const auto word = command.substr(0, command.find_first_of(" \t\r\n"));
  const auto is = [word](std::string_view wanted) {
    return std::equal(word.begin(), word.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return (a | 0x20) == b; });
  };
  return is("show") || is("select");
}

}  // namespace

ConsoleConversation::ConsoleConversation(session::ClientPort& port,
                                         session::VirtualDatabase& database, const Startup& startup)
    : port_(port),
      database_(database),
      user_(startup.user),
      self_(std::make_shared<ConsoleConversation*>(this)) {
  for (const auto& [name, value] : startup.parameters) {
    if (name == "application_name") application_name_ = value;
  }
}

ConsoleConversation::~ConsoleConversation() {
  *self_ = nullptr;
}

// Drivers will not speak to a server that does not say these.
void ConsoleConversation::welcome() {
  const std::pair<std::string_view, std::string_view> reports[] = {
      {"server_version", TIDEGATE_VERSION "/tidegate"},
      {"client_encoding", "UTF8"},
      {"server_encoding", "UTF8"},
      {"DateStyle", "ISO"},
      {"TimeZone", "GMT"},
      {"standard_conforming_strings", "on"},
      {"is_superuser", "on"},
      {"integer_datetimes", "on"},
  };
  for (const auto& [name, value] : reports) write_parameter_status(out_, name, value);
  write_parameter_status(out_, "application_name", application_name_);
  write_backend_key_data(out_, port_.cancel_pid(), port_.cancel_key());
  write_ready_for_query(out_, 'I');
  flush();
  port_.login_done(application_name_);
}

std::size_t ConsoleConversation::from_client(Bytes bytes) {
  if (closed_) return bytes.size();
  if (inbox_.size() + bytes.size() > kInboxBytesMax) {
    violation("too many commands at once");
    return bytes.size();
  }
  inbox_.insert(inbox_.end(), bytes.begin(), bytes.end());
  work();
  return bytes.size();
}

void ConsoleConversation::client_finished() {
  finished_ = true;
  if (!running_) close();
}

void ConsoleConversation::work() {
  std::size_t done = 0;
  working_ = true;
  while (!running_ && !closed_) {
    const auto rest = Bytes(inbox_).subspan(done);
    MessageHeader header;
    const auto read = read_header(rest, header);
    if (read == HeaderRead::need_more) break;
    if (read == HeaderRead::malformed || header.body_bytes > kCommandBytesMax) {
      violation("a message that is too long for the console");
      break;
    }
    const auto total = kHeaderBytes + header.body_bytes;
    if (rest.size() < total) break;
    done += total;
    message(header, rest.subspan(kHeaderBytes, header.body_bytes));
  }
  working_ = false;
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(done));
  if (inbox_.empty()) inbox_ = {};
  flush();
  if (finished_ && !running_) close();
}

void ConsoleConversation::message(const MessageHeader& header, Bytes body) {
  switch (header.type) {
    case 'X':
      return close();
    case 'H':
      return;
    case 'S':
      skipping_ = false;
      portals_.clear();
      return write_ready_for_query(out_, 'I');
    case 'Q':
      if (skipping_) return;
      formats_ = {};
      return run(Purpose::query,
                 console_command(as_text(body).substr(0, as_text(body).find('\0'))));
    default:
      extended(header.type, body);
  }
}

void ConsoleConversation::extended(char type, Bytes body) {
  if (skipping_) return;
  switch (type) {
    case 'P':
      return parse(body);
    case 'B':
      return bind(body);
    case 'D':
      return describe(body);
    case 'E':
      return execute(body);
    case 'C':
      return close_named(body);
    default:
      return violation("the console does not know this message");
  }
}

void ConsoleConversation::parse(Bytes body) {
  ByteReader reader(body);
  const auto name = reader.cstring();
  const auto command = reader.cstring();
  if (!reader.ok()) return violation("a malformed Parse");
  if (!name.empty() && statements_.contains(name)) {
    return fail_extended("42P05", "prepared statement already exists");
  }
  if (statements_.size() >= kNamesMax) return fail_extended("53400", "too many statements");
  statements_[std::string(name)] = console_command(command);
  write_parse_complete(out_);
}

void ConsoleConversation::bind(Bytes body) {
  ByteReader reader(body);
  const auto portal = reader.cstring();
  const auto name = reader.cstring();
  for (auto formats = reader.be16(); formats > 0 && reader.ok(); --formats) reader.be16();
  const auto parameters = reader.be16();
  if (parameters > 0) return fail_extended("42P02", "the console has no parameters");
  std::vector<std::uint16_t> formats;
  for (auto left = reader.be16(); left > 0 && reader.ok(); --left) formats.push_back(reader.be16());
  if (!reader.ok()) return violation("a malformed Bind");
  const auto statement = statements_.find(name);
  if (statement == statements_.end()) {
    return fail_extended("26000", "prepared statement does not exist");
  }
  if (portals_.size() >= kNamesMax) return fail_extended("53400", "too many portals");
  portals_[std::string(portal)] =
      Portal{statement->second, ResultFormats(std::move(formats)), std::nullopt};
  Message(out_, '2');
}

void ConsoleConversation::describe(Bytes body) {
  ByteReader reader(body);
  const auto kind = reader.u8();
  const auto name = reader.cstring();
  if (!reader.ok()) return violation("a malformed Describe");
  if (kind == 'S') {
    const auto statement = statements_.find(name);
    if (statement == statements_.end()) {
      return fail_extended("26000", "prepared statement does not exist");
    }
    Message(out_, 't').be16(0);
    if (gives_rows(statement->second)) {
      formats_ = {};
      return run(Purpose::describe_statement, statement->second);
    }
  } else {
    const auto portal = portals_.find(name);
    if (portal == portals_.end()) return fail_extended("34000", "portal does not exist");
    described_portal_ = name;
    if (gives_rows(portal->second.command)) {
      formats_ = portal->second.formats;
      return run(Purpose::describe_portal, portal->second.command);
    }
  }
  Message(out_, 'n');
}

void ConsoleConversation::execute(Bytes body) {
  ByteReader reader(body);
  const auto name = reader.cstring();
  if (!reader.ok()) return violation("a malformed Execute");
  const auto portal = portals_.find(name);
  if (portal == portals_.end()) return fail_extended("34000", "portal does not exist");
  formats_ = portal->second.formats;
  if (auto reply = std::exchange(portal->second.reply, std::nullopt)) {
    return answer_execute(*reply);
  }
  run(Purpose::execute, portal->second.command);
}

void ConsoleConversation::close_named(Bytes body) {
  ByteReader reader(body);
  const auto kind = reader.u8();
  const std::string name(reader.cstring());
  if (!reader.ok()) return violation("a malformed Close");
  if (kind == 'S') {
    statements_.erase(name);
  } else {
    portals_.erase(name);
  }
  write_close_complete(out_);
}

// --- Commands and their answers ---

void ConsoleConversation::run(Purpose purpose, std::string_view command) {
  purpose_ = purpose;
  if (command.empty()) {
    write_empty_query_response(out_);
    if (purpose == Purpose::query) write_ready_for_query(out_, 'I');
    return;
  }
  running_ = true;
  database_.run(user_, command, [self = self_](session::ConsoleReply reply) {
    if (*self != nullptr) (*self)->answered(std::move(reply));
  });
}

// May come before run() has returned; then work() is still on the way and goes on by itself.
void ConsoleConversation::answered(session::ConsoleReply reply) {
  running_ = false;
  if (closed_) return;
  for (const auto& text : reply.notices) {
    write_notice(out_, ErrorText{.severity = "NOTICE", .sqlstate = "00000", .message = text});
  }
  switch (purpose_) {
    case Purpose::query:
      answer_query(reply);
      break;
    case Purpose::execute:
      answer_execute(reply);
      break;
    default:
      answer_describe(std::move(reply));
      break;
  }
  if (!working_) work();
}

void ConsoleConversation::answer_query(const session::ConsoleReply& reply) {
  if (!reply.error.empty()) {
    write_failure(reply.sqlstate, reply.error);
  } else {
    if (reply.table) write_row_description(out_, *reply.table, formats_);
    write_rows(reply);
  }
  write_ready_for_query(out_, 'I');
}

void ConsoleConversation::answer_execute(const session::ConsoleReply& reply) {
  if (!reply.error.empty()) return fail_extended(reply.sqlstate, reply.error);
  write_rows(reply);
}

void ConsoleConversation::answer_describe(session::ConsoleReply reply) {
  if (!reply.error.empty()) return fail_extended(reply.sqlstate, reply.error);
  if (reply.table) {
    write_row_description(out_, *reply.table, formats_);
  } else {
    Message(out_, 'n');
  }
  if (purpose_ != Purpose::describe_portal) return;
  const auto portal = portals_.find(described_portal_);
  if (portal != portals_.end()) portal->second.reply = std::move(reply);
}

void ConsoleConversation::write_rows(const session::ConsoleReply& reply) {
  if (reply.table) write_data_rows(out_, *reply.table, formats_);
  write_command_complete(out_, reply.tag);
}

void ConsoleConversation::write_failure(std::string_view sqlstate, std::string_view message) {
  write_error(out_, ErrorText{.sqlstate = sqlstate.empty() ? "XX000" : sqlstate,
                              .message = std::string(message)});
}

void ConsoleConversation::fail_extended(std::string_view sqlstate, std::string_view message) {
  write_failure(sqlstate, message);
  skipping_ = true;
}

// --- Ends ---

void ConsoleConversation::violation(std::string_view detail) {
  if (closed_) return;
  write_error(out_, Reason::protocol_violation, "FATAL", detail);
  flush();
  closed_ = true;
  port_.close_client(Reason::protocol_violation, session::Farewell::flush);
}

void ConsoleConversation::close() {
  if (std::exchange(closed_, true)) return;
  flush();
  port_.close_client(Reason::client_gone, session::Farewell::flush);
}

void ConsoleConversation::flush() {
  if (!out_.empty()) port_.to_client(out_);
  out_ = {};
}

}  // namespace tidegate::postgres
