#include "admin/console.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "admin/tables.h"
#include "config/load.h"

namespace tidegate::admin {
namespace {

using session::ConsoleReply;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

// The words of a command: blanks and semicolons separate, case does not matter.
std::vector<std::string> words_of(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : command) {
    if (std::isspace(static_cast<unsigned char>(c)) || c == ';') {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(word);
  if (!words.empty()) words[0] = lower(words[0]);
  if (words.size() > 1) words[1] = lower(words[1]);
  return words;
}

ConsoleReply failure(std::string message, std::string sqlstate) {
  ConsoleReply reply;
  reply.error = std::move(message);
  reply.sqlstate = std::move(sqlstate);
  return reply;
}

ConsoleReply showing(session::Table table) {
  ConsoleReply reply;
  reply.table = std::move(table);
  reply.tag = "SHOW";
  return reply;
}

constexpr std::array kShowable = {"CLIENTS", "CONFIG", "DATABASES", "LISTS",   "POOLS",
                                  "SERVERS", "STATS",  "USERS",     "VERSION", "HELP"};

ConsoleReply help() {
  ConsoleReply reply;
  reply.tag = "SHOW";
  std::string text = "Console usage: SHOW ";
  for (const auto* what : kShowable)
    text += std::string(what == kShowable.front() ? "" : "|") + what;
  reply.notices.push_back(std::move(text));
  return reply;
}

std::string_view mode_name(PoolMode mode) {
  switch (mode) {
    case PoolMode::transaction:
      return "transaction";
    case PoolMode::session:
      return "session";
    case PoolMode::statement:
      return "statement";
  }
  return "";
}

void add(session::Traffic& sum, const session::Traffic& part) {
  sum.logins += part.logins;
  sum.assignments += part.assignments;
  sum.transactions += part.transactions;
  sum.queries += part.queries;
  sum.bytes_from_clients += part.bytes_from_clients;
  sum.bytes_from_servers += part.bytes_from_servers;
  sum.transaction_us += part.transaction_us;
  sum.query_us += part.query_us;
  sum.wait_us += part.wait_us;
  sum.client_parses += part.client_parses;
  sum.server_parses += part.server_parses;
  sum.binds += part.binds;
}

std::map<std::string, session::Traffic> by_database(const Findings& findings) {
  std::map<std::string, session::Traffic> sums;
  for (const auto& part : findings.traffic) add(sums[part.route->database()], part.traffic);
  return sums;
}

PoolRow pool_row(proxy::Route& route, const Findings& findings, Instant now) {
  PoolRow row;
  row.database = route.database();
  row.user = route.user();
  row.mode = mode_name(route.spec().rules.mode);
  row.counts =
      route.upstream().with_pool([&](pool::Pool& pool) { return pool.counts(route.id()); });
  row.clients_waiting = row.counts.waiting;
  if (!row.counts.oldest_wait.is_never()) row.wait_max = now - row.counts.oldest_wait;
  for (const auto& client : findings.clients) {
    row.clients_active +=
        client.database == row.database && client.state != "waiting" && client.state != "login";
  }
  for (const auto& server : findings.servers) {
    if (server.database != row.database || server.user != row.user) continue;
    row.cancelling += server.state == "being_canceled" || server.state == "active_cancel";
    row.tested += server.state == "tested";
  }
  return row;
}

session::Table users_table(proxy::Process& process) {
  session::Table table;
  table.columns = {{"name"},
                   {"pool_size"},
                   {"reserve_pool_size"},
                   {"pool_mode"},
                   {"max_user_connections", session::CellType::int4},
                   {"current_connections", session::CellType::int4},
                   {"max_user_client_connections", session::CellType::int4},
                   {"current_client_connections", session::CellType::int4}};
  for (const auto& user : process.config().users) {
    const auto* place = process.secrets().place(user.name);
    table.rows.push_back({user.name, "", "", "", "0", "0", std::to_string(user.clients_max),
                          std::to_string(place == nullptr ? 0 : place->clients.count())});
  }
  return table;
}

DatabaseRow database_row(const config::Route& route, proxy::Process& process) {
  DatabaseRow row;
  row.name = route.database;
  row.database = route.server_database.empty() ? route.database : route.server_database;
  row.mode = mode_name(route.rules.mode);
  row.forced_user = route.server_user;
  row.pool_size = route.limits.pool_size;
  row.min_idle = route.limits.min_idle;
  row.overflow = route.limits.max_overflow;
  row.lifetime = route.limits.recycle;
  row.clients_max = route.clients_max;
  for (const auto& upstream : process.routes().upstreams()) {
    if (upstream->spec().name != route.upstream) continue;
    row.budget = upstream->spec().limits.budget;
    if (!upstream->spec().hosts.empty()) {
      row.host = upstream->spec().hosts.front().host;
      row.port = upstream->spec().hosts.front().port;
    }
  }
  for (const auto& live : process.routes().all()) {
    if (live->spec().database != route.database) continue;
    row.clients += live->clients().count();
    const auto counts =
        live->upstream().with_pool([&](pool::Pool& pool) { return pool.counts(live->id()); });
    row.servers += counts.idle + counts.held + counts.opening + counts.closing;
  }
  return row;
}

}  // namespace

void Console::run(std::string_view user, std::string_view command, Done done) {
  const auto words = words_of(command);
  if (words.empty()) return done({});
  worker_.log().write(LogLevel::info, "console command", {{"user", user}, {"command", command}});
  if ((words[0] == "show" || words[0] == "select") && words.size() > 1) {
    return show(words[1], std::move(done));
  }
  // Drivers set things at login (extra_float_digits and the like); here nothing depends on them.
  if (words[0] == "set" && words.size() > 1) {
    ConsoleReply reply;
    reply.tag = "SET";
    reply.notices.push_back("SET has no meaning on the console and was ignored");
    return done(std::move(reply));
  }
  done(failure("unknown command \"" + words[0] + "\": SHOW HELP lists what there is", "42601"));
}

void Console::show(const std::string& what, Done done) {
  if (what == "version") return done(showing(version_table("tidegate " TIDEGATE_VERSION)));
  if (what == "config") return done(showing(config_table(config::show(process_.config()))));
  if (what == "users") return done(showing(users_table(process_)));
  if (what == "help") return done(help());
  if (what == "pools") return show_pools(std::move(done));
  if (what == "stats") return show_stats(std::move(done));
  if (what == "databases") {
    std::vector<DatabaseRow> rows;
    for (const auto& route : process_.config().routes) {
      rows.push_back(database_row(route, process_));
    }
    return done(showing(databases_table(rows)));
  }
  if (what == "clients" || what == "servers") {
    return survey(process_, worker_, [what, done = std::move(done)](const Findings& found) mutable {
      done(showing(what == "clients" ? clients_table(found) : servers_table(found)));
    });
  }
  if (what == "lists") {
    return survey(process_, worker_, [this, done = std::move(done)](const Findings& found) mutable {
      const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      done(showing(lists_table(
          {{"databases", count(process_.config().routes.size())},
           {"users", count(process_.config().users.size())},
           {"peers", 0},
           {"pools", count(process_.routes().all().size())},
           {"peer_pools", 0},
           {"free_clients", 0},
           {"used_clients", count(found.clients.size())},
           {"login_clients", std::ranges::count(found.clients, "login", &SocketRow::state)},
           {"free_servers", std::ranges::count(found.servers, "idle", &SocketRow::state)},
           {"used_servers",
            std::ranges::count_if(found.servers,
                                  [](const SocketRow& row) { return row.state != "idle"; })},
           {"dns_names", 0},
           {"dns_zones", 0},
           {"dns_queries", 0},
           {"dns_pending", 0}})));
    });
  }
  done(failure("SHOW " + what + " is unknown: SHOW HELP lists what there is", "42601"));
}

void Console::show_pools(Done done) {
  survey(process_, worker_, [this, done = std::move(done)](const Findings& found) mutable {
    std::vector<PoolRow> rows;
    for (const auto& route : process_.routes().all()) {
      rows.push_back(pool_row(*route, found, worker_.reactor().now()));
    }
    done(showing(pools_table(rows)));
  });
}

void Console::show_stats(Done done) {
  survey(process_, worker_, [this, done = std::move(done)](const Findings& found) mutable {
    const auto totals = by_database(found);
    const auto now = worker_.reactor().now();
    std::vector<DatabaseTraffic> rows;
    for (const auto& [database, total] : totals) {
      rows.push_back({database, total, mark_.traffic[database], now - mark_.at});
    }
    if (now - mark_.at >= process_.config().stats_period) mark_ = {now, totals};
    done(showing(stats_table(rows)));
  });
}

}  // namespace tidegate::admin
