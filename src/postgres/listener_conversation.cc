#include "postgres/listener_conversation.h"

#include <utility>

#include "postgres/message.h"
#include "postgres/messages.h"
#include "postgres/put_right.h"

namespace tidegate::postgres {
namespace {

// In the database's encoding, so that nothing is lost on the way, and with nothing that would end
// it for doing what it is there for.
constexpr std::string_view kOwnSettings =
    "SELECT pg_catalog.set_config('client_encoding', pg_catalog.getdatabaseencoding(), false);"
    "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings "
    "WHERE name OPERATOR(pg_catalog.=) ANY ('{idle_session_timeout,statement_timeout}');"
    "SELECT pg_catalog.set_config('application_name', 'tidegate listener', false)";

}  // namespace

ListenerConversation::~ListenerConversation() {
  if (server_ != nullptr) server_->unlink(false);
}

void ListenerConversation::linked(session::ServerConversation& server) {
  server_ = static_cast<ServerConversation*>(&server);
  server_->link(*this);
  server_->state().dirty = true;  // nobody gets it after this
  settings_ = server_->state().have;
  ask(std::string(kPutRight) + std::string(kOwnSettings));
}

void ListenerConversation::listen(const std::vector<std::string>& channels) {
  std::string sql;
  for (const auto& channel : channels) sql += "LISTEN " + quote_identifier(channel) + ";";
  ask(sql);
}

void ListenerConversation::unlisten(const std::string& channel) {
  ask("UNLISTEN " + quote_identifier(channel));
}

// PostgreSQL has signalled whoever listens before the sender's COMMIT is answered, and a backend
// that was signalled tells what there is before it is ready for the next query.
void ListenerConversation::barrier() {
  ask({});
}

std::string ListenerConversation::encoding() const {
  const auto* encoding = settings_->find("client_encoding");
  return encoding == nullptr ? std::string() : *encoding;
}

void ListenerConversation::ask(std::string_view sql) {
  if (server_ == nullptr) return;
  ByteBuffer query;
  write_query(query, sql);
  server_->state().owed.push(Reply::query, Action::skip).inquires = true;
  server_->state().unnamed.reset();
  server_->send(query);
}

void ListenerConversation::setting_reported(std::string_view name, std::string_view value) {
  settings_ = settings_->with(name, value);
}

void ListenerConversation::inquiry_over() {
  if (std::exchange(refused_, false)) return port_.listener_refused("the database refused it");
  port_.listener_answered();
}

bool ListenerConversation::server_notified(Bytes body) {
  ByteReader reader(body);
  const auto process_id = reader.be32();
  const auto channel = reader.cstring();
  const auto payload = reader.cstring();
  if (!reader.ok()) return false;
  session::Notification made{std::string(channel), {}};
  Message(made.message, 'A').be32(port_.sender_of(process_id)).cstring(channel).cstring(payload);
  port_.notified(std::make_shared<const session::Notification>(std::move(made)));
  return false;
}

}  // namespace tidegate::postgres
