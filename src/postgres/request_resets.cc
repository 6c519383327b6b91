// Requests that reset settings: see restorations.h for what follows them. In a pipeline the
// commands stand behind the Execute; in a query of several statements, between these. A query of
// one statement is sent as a pipeline, because some (DISCARD ALL) run only alone.
#include <algorithm>

#include "postgres/insertions.h"
#include "postgres/messages.h"
#include "postgres/replan.h"
#include "postgres/request_messages.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {
namespace {

// Portals that reset something and were not executed yet, in one transaction.
constexpr std::size_t kPortalsMax = 100;

Bytes text_and_no_types(ByteBuffer& buffer, std::string_view text) {
  ByteWriter(buffer).cstring(text).be16(0);
  return buffer;
}

}  // namespace

std::vector<Restoration> RequestWalk::restorations_of(const sql::Effects& effects) {
  if (effects.none()) return {};
  return restorations(effects, *session_.at_startup_, state().reported);
}

// --- Simple queries ---

// An error before it would be over at the Sync that ends our pipeline, not at the client's; so what
// was asked before must be answered first.
bool RequestWalk::reset_alone(Bytes message, const Restoration& restoration) {
  const auto text = as_text(message.subspan(kHeaderBytes, message.size() - kHeaderBytes - 1));
  drop_segment(state());
  ask_unseen(text, Action::forward);
  restore(restoration);
  forget_unnamed();
  write_sync(to_server_.own());
  owe(Reply::sync);
  end_segment();
  return true;
}

// A simple query leaves neither unnamed statement nor unnamed portal.
void RequestWalk::forget_unnamed() {
  session_.unnamed_.reset();
  state().unnamed.reset();
  auto& out = to_server_.own();
  write_close_portal(out, {});
  owe(Reply::close, Action::skip);
  write_close_statement(out, {});
  owe(Reply::close, Action::skip);
}

bool RequestWalk::reset_among_others(Bytes message, const std::vector<Restoration>& all) {
  const auto text = as_text(message.subspan(kHeaderBytes, message.size() - kHeaderBytes - 1));
  const auto* encoding = session_.settings_->find("client_encoding");
  const bool utf8 = encoding != nullptr && *encoding == "UTF8";
  auto inserted = std::make_unique<Insertions>();
  const auto sent = inserted->insert(text, session_.settings_->text_rules(), utf8, all);
  owe_query().inserted = std::move(inserted);
  write_query(to_server_.own(), sent);
  return true;
}

// --- The extended protocol ---

namespace {

// PostgreSQL commits DISCARD ALL at once, whatever follows it up to the Sync: what fails there must
// not undo what belongs to it.
void commit_alone(Restoration& restoration) {
  restoration.commands.insert(restoration.commands.begin(), "BEGIN");
  restoration.commands.push_back("COMMIT");
}

}  // namespace

bool RequestWalk::note_portal(std::string_view portal, const sql::Effects& effects) {
  auto all = restorations_of(effects);
  if (all.empty()) return true;
  auto& noted = session_.noted_portals().resetting;
  if (noted.size() == kPortalsMax) return false;
  if (effects.has(sql::Effect::discard_all)) commit_alone(all.front());
  noted.push_back({std::string(stored_name(portal)), std::move(all.front())});
  return true;
}

// A named portal is there until it is closed or its transaction ends, and PostgreSQL refuses to
// bind it anew. The unnamed one is replaced. Whether what was sent before fails must be known for
// either: a portal of an outer subtransaction survives that.
bool RequestWalk::is_noted(std::string_view portal) const {
  if (session_.portals_ == nullptr) return false;
  const auto is_it = [name = stored_name(portal)](const auto& each) { return each.portal == name; };
  return std::ranges::any_of(session_.portals_->resetting, is_it) ||
         std::ranges::any_of(session_.portals_->deallocating, is_it);
}

void RequestWalk::forget_portal(std::string_view portal) {
  auto& noted = session_.portals_;
  if (noted == nullptr) return;
  const auto is_it = [name = stored_name(portal)](const auto& each) { return each.portal == name; };
  std::erase_if(noted->resetting, is_it);
  std::erase_if(noted->deallocating, is_it);
  if (noted->resetting.empty() && noted->deallocating.empty()) noted.reset();
}

void RequestWalk::restore_behind(std::string_view portal) {
  for (const auto& each : session_.portals_->resetting) {
    if (each.portal != stored_name(portal)) continue;
    drop_segment(state());
    return restore(each.restoration);
  }
}

void RequestWalk::restore(const Restoration& restoration) {
  for (const auto& command : restoration.commands) ask_unseen(command, Action::skip);
}

// One statement, under a name that no client's request touches, and closed again, so that neither
// pg_cursors nor pg_prepared_statements shows it. What one that failed left behind is closed first.
// `action`: what becomes of its CommandComplete.
void RequestWalk::ask_unseen(std::string_view text, Action action) {
  auto& out = to_server_.own();
  const auto owe_ours = [this](Reply reply, Action what) { owe(reply, what).restores = true; };
  ByteBuffer buffer;
  write_close_statement(out, kOwnStatement);
  owe_ours(Reply::close, Action::skip);
  write_parse(out, kOwnStatement, text_and_no_types(buffer, text));
  owe_ours(Reply::parse, Action::skip);
  write_bind(out, kOwnStatement, kOwnStatement);
  owe_ours(Reply::bind, Action::skip);
  write_execute(out, kOwnStatement);
  owe_ours(Reply::execute, action);
  write_close_portal(out, kOwnStatement);
  owe_ours(Reply::close, Action::skip);
  write_close_statement(out, kOwnStatement);
  owe_ours(Reply::close, Action::skip);
  extended_sent('E', {});
}

}  // namespace tidegate::postgres
