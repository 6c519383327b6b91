#include "postgres/login_refusal.h"

namespace tidegate::postgres {
namespace {

struct Entry {
  std::string_view sqlstate;  // or the class, its first two characters
  LoginRefusal refusal;
};

constexpr std::string_view kParameterHint =
    "A parameter that goes with the pooler's login is not accepted there: see `parameters` of the "
    "upstream and the route.";
constexpr std::string_view kComesAndGoesHint = "It is starting, stopping or recovering: try again.";

// The first that fits counts, so a class stands behind its members.
constexpr Entry kRefusals[] = {
    {"28P01",
     {.setback = Setback::of_route,
      .hint = "This is about the user and password that the pooler has for the database, not about "
              "those that the client sent: see `user` and `password` of the upstream or route, or "
              "where neither has a user, the password stored for the client's own."}},
    {"28",
     {.setback = Setback::of_route,
      .hint = "The database does not let the pooler in from this address, or as this user: see its "
              "pg_hba.conf, `sslmode` of the upstream, and whether the role exists and may log "
              "in."}},
    {"3D000",
     {.setback = Setback::of_route,
      .hint = "The name is the one that the pooler asked the server for: see `database` of the "
              "route and the upstream."}},
    {"42501",
     {.setback = Setback::of_route,
      .hint = "The user that the pooler logs in as lacks a right, such as CONNECT on the "
              "database."}},
    {"42", {.setback = Setback::of_route, .hint = kParameterHint}},
    {"22", {.setback = Setback::of_route, .hint = kParameterHint}},
    {"55000",
     {.setback = Setback::of_route,
      .hint = "The database exists and takes no connections: see ALLOW_CONNECTIONS of ALTER "
              "DATABASE."}},
    {"53300",
     {.hint = "The database has no connection left for the pooler: lower `budget` of the upstream, "
              "or raise max_connections there."}},
    {"57P01", {.reason = Reason::server_shutdown, .hint = kComesAndGoesHint}},
    {"57P02", {.reason = Reason::server_shutdown, .hint = kComesAndGoesHint}},
    {"57P03", {.reason = Reason::server_shutdown, .hint = kComesAndGoesHint}},
};

constexpr LoginRefusal kConnectionLimit = {
    .setback = Setback::passing_of_route,
    .hint =
        "The role or the database has reached its CONNECTION LIMIT: raise it with ALTER ROLE or "
        "ALTER DATABASE, or lower `pool_size` of the route."};

// 53300 is said of a role, of a database and of the whole server, in words that are translated; the
// functions of PostgreSQL (13 to 17) that say it are not. The others, among them those of servers
// that only speak the protocol, are taken to mean the whole.
bool is_of_role_or_database(std::string_view routine) {
  return routine == "InitializeSessionUserId" || routine == "CheckMyDatabase";
}

}  // namespace

LoginRefusal judge_refusal(std::string_view sqlstate, std::string_view routine) {
  if (sqlstate == "53300" && is_of_role_or_database(routine)) return kConnectionLimit;
  for (const auto& entry : kRefusals) {
    if (sqlstate.starts_with(entry.sqlstate)) return entry.refusal;
  }
  return {};
}

}  // namespace tidegate::postgres
