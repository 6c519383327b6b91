#include "admin/console.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "admin/console_set.h"
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

// A semicolon with something behind it; those at the end are gone.
bool is_several(std::string_view command) {
  bool quoted = false;
  for (const char c : command) {
    if (c == '\'') quoted = !quoted;
    if (c == ';' && !quoted) return true;
  }
  return false;
}

ConsoleReply showing(session::Table table) {
  ConsoleReply reply;
  reply.table = std::move(table);
  reply.tag = "SHOW";
  return reply;
}

constexpr std::array kShowable = {"CLIENTS", "CONFIG", "DATABASES",    "LISTS",          "POOLS",
                                  "SERVERS", "STATS",  "STATS_TOTALS", "STATS_AVERAGES", "USERS",
                                  "VERSION", "HELP",   "UPSTREAMS",    "WORKERS",        "PINS"};

// What drivers ask of any server they meet, answered as PgBouncer does.
struct FakeSetting {
  std::string_view name, value;
};
constexpr FakeSetting kFakeSettings[] = {{"client_encoding", "UTF8"},
                                         {"datestyle", "ISO"},
                                         {"default_transaction_isolation", "read committed"},
                                         {"server_version", TIDEGATE_VERSION "/tidegate"},
                                         {"standard_conforming_strings", "on"},
                                         {"timezone", "GMT"},
                                         {"transaction_isolation", "read committed"}};

std::string usage() {
  std::string text = "SHOW ";
  for (const auto* what : kShowable) {
    text += std::string(what == kShowable.front() ? "" : "|") + what;
  }
  return text;
}

ConsoleReply help() {
  ConsoleReply reply;
  reply.tag = "SHOW";
  reply.notices.push_back("Console usage: " + usage() + "; SELECT 1 is a health check");
  return reply;
}

// For whoever took this for a database: psql's \d, an ORM's first query, a command of PgBouncer's.
ConsoleReply not_a_command(const std::string& what) {
  return failure(what + ": this is the console of Tidegate, not a database; its commands are " +
                     usage() + ", and SHOW HELP lists them",
                 "42601");
}

ConsoleReply one_row(std::string column, session::CellType type, std::string value,
                     std::string tag) {
  ConsoleReply reply;
  reply.table.emplace();
  reply.table->columns = {{std::move(column), type}};
  reply.table->rows.push_back({std::move(value)});
  reply.tag = std::move(tag);
  return reply;
}

bool is_number(std::string_view word) {
  constexpr std::size_t kDigitsMax = 9;  // what surely is an int4
  return !word.empty() && word.size() <= kDigitsMax &&
         std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_showable(std::string_view word) {
  return std::ranges::any_of(kShowable, [&](const char* what) { return lower(what) == word; });
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

std::map<std::string, DatabaseTraffic> by_database(const Findings& findings) {
  std::map<std::string, DatabaseTraffic> sums;
  for (const auto& part : findings.traffic) {
    auto& sum = sums[part.route->database()];
    add(sum.total, part.total);
    add(sum.period.begin, part.period.begin);
    add(sum.period.end, part.period.end);
  }
  return sums;
}

std::vector<UpstreamRow> upstream_rows(proxy::Process& process) {
  std::vector<UpstreamRow> rows;
  for (const auto& upstream : process.routes().upstreams()) {
    upstream->with_pool([&](const pool::Pool& pool) {
      rows.push_back(
          {upstream->spec().name, pool.limits().budget, pool.total_servers(), pool.totals()});
    });
  }
  return rows;
}

std::optional<config::HostOrder> order_of_hosts(const config::Upstream& upstream) {
  if (upstream.hosts.size() < 2) return std::nullopt;
  return upstream.host_order;
}

PoolRow pool_row(proxy::Route& route, const Findings& findings, Instant now) {
  PoolRow row;
  row.database = route.database();
  row.user = route.user();
  row.mode = mode_name(route.spec().rules.mode);
  row.host_order = order_of_hosts(route.upstream().spec());
  route.upstream().with_pool([&](pool::Pool& pool) {
    row.counts = pool.counts(route.id());
    row.used = pool.idle_to_be_checked(route.id(), now);
  });
  if (!row.counts.oldest_wait.is_never()) row.wait_max = now - row.counts.oldest_wait;
  for (const auto& client : findings.clients) {
    if (client.route != &route) continue;
    row.clients_active += client.state == "active" || client.state == "idle";
    row.clients_waiting += client.state == "waiting";
  }
  for (const auto& server : findings.servers) {
    if (server.route != &route) continue;
    row.cancels += server.cancels;
    row.cancelled += server.state == "being_canceled";
    row.tested += server.state == "tested";
  }
  return row;
}

int servers_of(proxy::Route& route) {
  const auto counts =
      route.upstream().with_pool([&](pool::Pool& pool) { return pool.counts(route.id()); });
  return counts.idle + counts.held + counts.opening + counts.closing;
}

std::map<std::string, int> servers_by_user(proxy::Process& process) {
  std::map<std::string, int> servers;
  for (const auto& route : process.routes().all()) servers[route->user()] += servers_of(*route);
  return servers;
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
  auto servers = servers_by_user(process);
  for (const auto& user : process.config().users) {
    const auto* place = process.secrets().place(user.name);
    table.rows.push_back({user.name, "", "", "", "0", std::to_string(servers[user.name]),
                          std::to_string(user.clients_max),
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
    const auto& hosts = upstream->spec().hosts;
    row.host_order = order_of_hosts(upstream->spec());
    for (const auto& host : hosts) row.host += (row.host.empty() ? "" : ",") + host.host;
    if (!hosts.empty()) row.port = hosts.front().port;
  }
  for (const auto& live : process.routes().all()) {
    if (live->spec().database != route.database) continue;
    row.clients += live->clients().count();
    row.servers += servers_of(*live);
  }
  return row;
}

}  // namespace

void Console::run(std::string_view user, std::string_view command, Done done) {
  const auto words = words_of(command);
  if (words.empty()) return done({});
  worker_.log().write(LogLevel::info, "console command", {{"user", user}, {"command", command}});
  if (is_several(command)) return done(not_a_command("several commands in one query"));
  if (words[0] == "show" && words.size() == 2) return show(words[1], std::move(done));
  if (words[0] == "show" && words.size() > 2) {
    return done(not_a_command("unknown command \"" + std::string(command) + "\""));
  }
  if (words[0] == "show") return done(help());
  if (words[0] == "select") return select(words, std::move(done));
  if (words[0] == "set" && words.size() > 1) {
    return done(answer_set(command, process_.config().file));
  }
  done(not_a_command("unknown command \"" + words[0] + "\""));
}

// PgBouncer's other word for SHOW. With a number it is what health checks send: they are to hear
// that somebody is there, which is more than PgBouncer does.
void Console::select(const std::vector<std::string>& words, Done done) {
  const bool one_word = words.size() == 2;
  if (one_word && is_number(words[1])) {
    return done(one_row("?column?", session::CellType::int4, words[1], "SELECT 1"));
  }
  if (one_word && is_showable(words[1])) return show(words[1], std::move(done));
  done(not_a_command("SELECT is not possible here"));
}

void Console::show(const std::string& what, Done done) {
  for (const auto& setting : kFakeSettings) {
    if (what != setting.name) continue;
    return done(one_row(what, session::CellType::text, std::string(setting.value), "SHOW"));
  }
  if (what == "version") return done(showing(version_table("tidegate " TIDEGATE_VERSION)));
  if (what == "config") return done(showing(config_table(config::show(process_.config()))));
  if (what == "users") return done(showing(users_table(process_)));
  if (what == "help") return done(help());
  if (what == "pools") return show_pools(std::move(done));
  if (what == "upstreams") return done(showing(upstreams_table(upstream_rows(process_))));
  if (what.starts_with("stats") && is_showable(what)) return show_stats(what, std::move(done));
  if (what == "pins") {
    return survey(process_, worker_, [done = std::move(done)](const Findings& found) mutable {
      done(showing(pins_table(found)));
    });
  }
  if (what == "workers") {
    return survey(process_, worker_, [done = std::move(done)](const Findings& found) mutable {
      done(showing(workers_table(found.workers)));
    });
  }
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
  done(not_a_command("SHOW " + what + " is unknown"));
}

void Console::show_stats(const std::string& what, Done done) {
  survey(process_, worker_, [this, what, done = std::move(done)](const Findings& found) mutable {
    const auto databases = by_database(found);
    const auto period = process_.config().stats_period;
    if (what == "stats_totals") return done(showing(stats_totals_table(databases)));
    if (what == "stats_averages") return done(showing(stats_averages_table(databases, period)));
    done(showing(stats_table(databases, period)));
  });
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

}  // namespace tidegate::admin
