#include "admin/tables.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace tidegate::admin {
namespace {

using session::CellType;
using session::Table;
using Cells = std::vector<std::optional<std::string>>;

std::string number(std::int64_t value) {
  return fmt::to_string(value);
}
std::string number(std::uint64_t value) {
  return fmt::to_string(value);
}

std::string moment(WallTime time) {
  const std::time_t seconds = time.us / 1'000'000;
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

std::int64_t whole_seconds(Duration d) {
  return d.count() / 1'000'000'000;
}
std::int64_t rest_us(Duration d) {
  return d.count() / 1000 % 1'000'000;
}

// PgBouncer says it only where there is something to balance.
std::optional<std::string> balancing(std::optional<config::HostOrder> order) {
  if (!order) return std::nullopt;
  return *order == config::HostOrder::in_turn ? "round-robin" : "disable";
}

Table with_columns(std::initializer_list<Table::Column> columns) {
  Table table;
  table.columns = columns;
  return table;
}

Table sockets_table() {
  return with_columns({{"type"},
                       {"user"},
                       {"database"},
                       {"replication"},
                       {"state"},
                       {"addr"},
                       {"port", CellType::int4},
                       {"local_addr"},
                       {"local_port", CellType::int4},
                       {"connect_time"},
                       {"request_time"},
                       {"wait", CellType::int4},
                       {"wait_us", CellType::int4},
                       {"close_needed", CellType::int4},
                       {"ptr"},
                       {"link"},
                       {"remote_pid", CellType::int4},
                       {"tls"},
                       {"application_name"},
                       {"prepared_statements", CellType::int4},
                       {"id", CellType::int8},
                       {"pin"},
                       {"channels", CellType::int4}});
}

Cells socket_cells(const SocketRow& row) {
  return {std::string(1, row.type),
          row.user,
          row.database,
          "none",
          row.state,
          row.address,
          number(std::int64_t{row.port}),
          row.local_address,
          number(std::int64_t{row.local_port}),
          moment(row.connected),
          moment(row.requested),
          number(whole_seconds(row.wait)),
          number(rest_us(row.wait)),
          row.closing ? "1" : "0",
          fmt::format("{:#x}", row.id),
          row.link == 0 ? "" : fmt::format("{:#x}", row.link),
          number(std::uint64_t{row.remote_pid}),
          row.tls,
          row.application_name,
          number(std::int64_t{row.prepared_statements}),
          number(static_cast<std::int64_t>(row.id)),
          row.pin,
          number(std::int64_t{row.channels})};
}

}  // namespace

Table clients_table(const Findings& findings) {
  auto table = sockets_table();
  for (const auto& row : findings.clients) table.rows.push_back(socket_cells(row));
  return table;
}

Table servers_table(const Findings& findings) {
  auto table = sockets_table();
  for (const auto& row : findings.servers) table.rows.push_back(socket_cells(row));
  return table;
}

Table pools_table(const std::vector<PoolRow>& pools) {
  auto table = with_columns({{"database"},
                             {"user"},
                             {"cl_active", CellType::int4},
                             {"cl_waiting", CellType::int4},
                             {"cl_active_cancel_req", CellType::int4},
                             {"cl_waiting_cancel_req", CellType::int4},
                             {"sv_active", CellType::int4},
                             {"sv_active_cancel", CellType::int4},
                             {"sv_being_canceled", CellType::int4},
                             {"sv_idle", CellType::int4},
                             {"sv_used", CellType::int4},
                             {"sv_tested", CellType::int4},
                             {"sv_login", CellType::int4},
                             {"maxwait", CellType::int4},
                             {"maxwait_us", CellType::int4},
                             {"pool_mode"},
                             {"load_balance_hosts"}});
  for (const auto& pool : pools) {
    const auto count = [](int value) { return number(std::int64_t{value}); };
    // The survey and the pool were asked one after the other: what moved meanwhile may be missing.
    const int linked = std::max(0, pool.counts.held - pool.cancelled - pool.tested);
    table.rows.push_back({pool.database, pool.user, count(pool.clients_active),
                          count(pool.clients_waiting), count(pool.cancels), "0", count(linked),
                          count(pool.cancels), count(pool.cancelled),
                          count(pool.counts.idle - pool.used), count(pool.used), count(pool.tested),
                          count(pool.counts.opening), number(whole_seconds(pool.wait_max)),
                          number(rest_us(pool.wait_max)), pool.mode, balancing(pool.host_order)});
  }
  return table;
}

Table config_table(const std::vector<config::ConfigRow>& rows) {
  auto table = with_columns({{"key"}, {"value"}, {"default"}, {"changeable"}});
  for (const auto& row : rows) {
    table.rows.push_back({row.key, row.value, row.fallback, row.changeable ? "yes" : "no"});
  }
  return table;
}

Table version_table(const std::string& version) {
  auto table = with_columns({{"version"}});
  table.rows.push_back({version});
  return table;
}

namespace {

// The columns of SHOW STATS, in order: total_<name>, then avg_<name>. An average is per second,
// but for the times, which are per what they measure.
struct StatColumn {
  std::string_view total_name;
  std::string_view average_name;
  std::uint64_t session::Traffic::* value;
  std::uint64_t session::Traffic::* per = nullptr;
  bool late = false;  // came to PgBouncer in 1.24 or later, with a name of its own among averages

  // Alone in its table: "bytes_received", where STATS says "total_received".
  std::string bare_name() const {
    const bool is_bytes = value == &session::Traffic::bytes_from_clients ||
                          value == &session::Traffic::bytes_from_servers;
    return fmt::format("{}{}", is_bytes ? "bytes_" : "", total_name);
  }
};
constexpr StatColumn kStats[] = {
    {"server_assignment_count", "server_assignment_count", &session::Traffic::assignments},
    {"xact_count", "xact_count", &session::Traffic::transactions},
    {"query_count", "query_count", &session::Traffic::queries},
    {"received", "recv", &session::Traffic::bytes_from_clients},
    {"sent", "sent", &session::Traffic::bytes_from_servers},
    {"xact_time", "xact_time", &session::Traffic::transaction_us, &session::Traffic::transactions},
    {"query_time", "query_time", &session::Traffic::query_us, &session::Traffic::queries},
    {"wait_time", "wait_time", &session::Traffic::wait_us},
    {"client_parse_count", "client_parse_count", &session::Traffic::client_parses, nullptr, true},
    {"server_parse_count", "server_parse_count", &session::Traffic::server_parses, nullptr, true},
    {"bind_count", "bind_count", &session::Traffic::binds, nullptr, true},
    {"client_login_count", "client_login_count", &session::Traffic::logins, nullptr, true},
};

std::uint64_t average(const proxy::Route::Period& period, const StatColumn& column,
                      Duration length) {
  const auto grown = period.end.*column.value - period.begin.*column.value;
  if (column.per != nullptr) {
    const auto count = period.end.*column.per - period.begin.*column.per;
    return count == 0 ? 0 : grown / count;
  }
  const auto seconds = std::max<std::int64_t>(1, whole_seconds(length));
  return grown / static_cast<std::uint64_t>(seconds);
}

}  // namespace

Table stats_table(const std::map<std::string, DatabaseTraffic>& databases, Duration period) {
  Table table;
  table.columns.push_back({"database"});
  for (const auto& column : kStats) {
    table.columns.push_back({fmt::format("total_{}", column.total_name), CellType::numeric});
  }
  for (const auto& column : kStats) {
    table.columns.push_back({fmt::format("avg_{}", column.average_name), CellType::numeric});
  }
  for (const auto& [database, traffic] : databases) {
    Cells cells{database};
    for (const auto& column : kStats) cells.push_back(number(traffic.total.*column.value));
    for (const auto& column : kStats) {
      cells.push_back(number(average(traffic.period, column, period)));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

// What readers of numbers alone ask for.
Table stats_totals_table(const std::map<std::string, DatabaseTraffic>& databases) {
  auto table = with_columns({{"database"}});
  for (const auto& column : kStats)
    table.columns.push_back({column.bare_name(), CellType::numeric});
  for (const auto& [database, traffic] : databases) {
    Cells cells{database};
    for (const auto& column : kStats) cells.push_back(number(traffic.total.*column.value));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table stats_averages_table(const std::map<std::string, DatabaseTraffic>& databases,
                           Duration period) {
  auto table = with_columns({{"database"}});
  for (const auto& column : kStats) {
    table.columns.push_back({(column.late ? "avg_" : "") + column.bare_name(), CellType::numeric});
  }
  for (const auto& [database, traffic] : databases) {
    Cells cells{database};
    for (const auto& column : kStats) {
      cells.push_back(number(average(traffic.period, column, period)));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table databases_table(const std::vector<DatabaseRow>& rows) {
  auto table = with_columns({{"name"},
                             {"host"},
                             {"port", CellType::int4},
                             {"database"},
                             {"force_user"},
                             {"pool_size", CellType::int4},
                             {"min_pool_size", CellType::int4},
                             {"reserve_pool_size", CellType::int4},
                             {"server_lifetime", CellType::int4},
                             {"pool_mode"},
                             {"load_balance_hosts"},
                             {"max_connections", CellType::int4},
                             {"current_connections", CellType::int4},
                             {"max_client_connections", CellType::int4},
                             {"current_client_connections", CellType::int4},
                             {"paused", CellType::int4},
                             {"disabled", CellType::int4}});
  const auto count = [](int value) { return number(std::int64_t{value}); };
  for (const auto& row : rows) {
    table.rows.push_back({row.name, row.host, count(row.port), row.database, row.forced_user,
                          count(row.pool_size), count(row.min_idle), count(row.overflow),
                          number(whole_seconds(row.lifetime)), row.mode, balancing(row.host_order),
                          count(row.budget), count(row.servers), count(row.clients_max),
                          count(row.clients), "0", "0"});
  }
  return table;
}

Table workers_table(std::vector<WorkerRow> workers) {
  std::ranges::sort(workers, {}, &WorkerRow::index);
  auto table = with_columns({{"worker", CellType::int4},
                             {"clients", CellType::int4},
                             {"servers", CellType::int4},
                             {"turns", CellType::int8},
                             {"receives", CellType::int8},
                             {"sends", CellType::int8},
                             {"epoll_ctls", CellType::int8},
                             {"accepts", CellType::int8},
                             {"accepts_shed", CellType::int8}});
  for (const auto& row : workers) {
    const auto& counters = row.counters;
    table.rows.push_back({number(row.index), number(row.clients), number(row.servers),
                          number(counters.turns), number(counters.receives), number(counters.sends),
                          number(counters.epoll_ctls), number(counters.accepts),
                          number(counters.accepts_shed)});
  }
  return table;
}

namespace {

struct Pins {
  std::int64_t held = 0;
  session::PinCounts since_start;
};
using PinsByReason = std::map<std::array<std::string, 3>, Pins>;  // of a database and user

PinsByReason pins_of(const Findings& findings) {
  PinsByReason all;
  for (const auto& part : findings.traffic) {
    for (const auto& [reason, counts] : part.total.pins) {
      auto& sum =
          all[{part.route->database(), part.route->user(), std::string(reason)}].since_start;
      sum.pins += counts.pins;
      sum.transactions += counts.transactions;
    }
  }
  for (const auto& server : findings.servers) {
    if (!server.pin.empty()) ++all[{server.database, server.user, server.pin}].held;
  }
  return all;
}

}  // namespace

Table pins_table(const Findings& findings) {
  auto table = with_columns({{"database"},
                             {"user"},
                             {"reason"},
                             {"held", CellType::int8},
                             {"pins", CellType::int8},
                             {"transactions", CellType::int8}});
  for (const auto& [names, pins] : pins_of(findings)) {
    const auto& [database, user, reason] = names;
    table.rows.push_back({database, user, reason, number(pins.held), number(pins.since_start.pins),
                          number(pins.since_start.transactions)});
  }
  return table;
}

Table upstreams_table(const std::vector<UpstreamRow>& upstreams) {
  auto table = with_columns({{"upstream"},
                             {"budget", CellType::int4},
                             {"servers", CellType::int4},
                             {"opened", CellType::int8},
                             {"failed", CellType::int8},
                             {"evicted", CellType::int8},
                             {"assigned", CellType::int8},
                             {"moved", CellType::int8},
                             {"overtaken", CellType::int8},
                             {"refused", CellType::int8},
                             {"shed", CellType::int8}});
  for (const auto& row : upstreams) {
    const auto& totals = row.totals;
    table.rows.push_back({row.name, number(std::int64_t{row.budget}),
                          number(std::int64_t{row.servers}), number(totals.opened),
                          number(totals.failed), number(totals.evicted), number(totals.assigned),
                          number(totals.moved), number(totals.overtaken), number(totals.refused),
                          number(totals.shed)});
  }
  return table;
}

Table lists_table(const std::vector<std::pair<std::string, std::int64_t>>& counts) {
  auto table = with_columns({{"list"}, {"items", CellType::int4}});
  for (const auto& [list, items] : counts) table.rows.push_back({list, number(items)});
  return table;
}

}  // namespace tidegate::admin
