// DEALLOCATE of a statement that the client prepared by the protocol: the server knows it by
// another name and shares it with others, so only the session forgets it.
#include <algorithm>

#include "postgres/messages.h"
#include "postgres/replan.h"
#include "postgres/request_messages.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {

using sql::Effect;

namespace {

// Portals that deallocate something and were not executed yet, in one transaction.
constexpr std::size_t kPortalsMax = 100;

}  // namespace

// As a simple query it is answered here, and a Sync brings the true ReadyForQuery. What it has of a
// simple query besides: it leaves neither unnamed statement nor unnamed portal.
bool RequestWalk::deallocate(const sql::Effects& effects) {
  if (state().status == 'E') return false;
  const bool all = effects.has(Effect::sql_deallocate_all);
  if (all) {
    if (session_.may_have_prepared()) return false;
    session_.names_.clear();
  } else {
    if (effects.names.size() != 1) return false;
    const auto& name = effects.names.front().text;
    const auto statement = session_.names_.erase(name);
    if (statement == nullptr) return false;
    if (!statement->kept) {
      write_close_statement(to_server_.own(), stored_name(name));
      owe(Reply::close, Action::skip);
    }
  }
  owe(Reply::execute, Action::fake).name = all ? "DEALLOCATE ALL" : "DEALLOCATE";
  answer_fakes();
  forget_unnamed();
  owe(Reply::sync);
  drop_segment(state());
  write_sync(to_server_.own());
  end_segment();
  return true;
}

// --- The extended protocol ---

bool RequestWalk::note_deallocation(std::string_view portal, const sql::Effects& effects) {
  if (!effects.has(sql::Effect::sql_deallocate)) return true;
  auto& noted = session_.noted_portals().deallocating;
  if (noted.size() == kPortalsMax) return false;
  noted.push_back({std::string(stored_name(portal)), effects.names.front().text});
  return true;
}

// The name that executing this portal takes from the session; empty: none.
std::string RequestWalk::name_deallocated_by(std::string_view portal) const {
  for (const auto& each : session_.portals_->deallocating) {
    if (each.portal == stored_name(portal) && session_.names_.find(each.name) != nullptr)
      return each.name;
  }
  return {};
}

// Unless it has the statement by that name, the server gets something, which the client's own
// DEALLOCATE then takes away: its answer, errors and transactions included, is the true one.
bool RequestWalk::execute_deallocate(Bytes message, const std::string& name) {
  if (session_.doubts_.in_flight() && unsettled()) return stall();
  drop_segment(state());
  session_.doubts_.name_changed();
  note_doubt();
  auto statement = session_.names_.erase(name);
  if (statement->kept) {
    auto& out = to_server_.own();
    write_close_statement(out, name);
    owe(Reply::close, Action::skip);
    write_parse(out, name, kNoText);
    owe(Reply::parse, Action::skip);
  }
  auto& owed = owe(Reply::execute);
  owed.name = name;
  owed.before = std::move(statement);
  extended_sent('E', {});
  to_server_.pass(message);
  return true;
}

}  // namespace tidegate::postgres
