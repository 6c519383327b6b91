#include "cli/serve.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "cli/descriptors.h"
#include "cli/drain.h"
#include "cli/notify.h"
#include "cli/overrides.h"
#include "cli/pid_file.h"
#include "cli/service.h"
#include "cli/signals.h"
#include "config/load.h"
#include "net/descriptors.h"
#include "net/log_writer.h"

namespace tidegate::cli {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

config::Loaded load(const ServeOptions& options) {
  auto sources = config::Sources::real();
  if (!options.listen.empty()) sources.listen_addresses = nullptr;  // the file does not count then
  return options.config_file.empty() ? config::load_upstream_url(options.upstream_url, sources)
                                     : config::load_file(options.config_file, sources);
}

bool report(const config::Loaded& loaded) {
  for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.format());
  return loaded.usable();
}

// Who reads the log file may not have heard what standard error was told.
void log_warnings(const config::Loaded& loaded, Log& log) {
  for (const auto& problem : loaded.problems) {
    log.write(LogLevel::warning, "configuration", {{"detail", problem.format()}});
  }
}

Order wait_for_the_signal(const sigset_t& set, Log& log) {
  for (;;) {
    const auto order = next_order(set, false, log);
    if (order != Order::none) return order;
  }
}

// Waits until the drain's present step is done. False: a second signal came, or the time is over.
bool drained(Drain& drain, const sigset_t& set, Log& log) {
  while (!drain.done()) {
    if (next_order(set, true, log) != Order::none) {
      log.write(LogLevel::warning, "second signal: leaving at once", {});
      return false;
    }
    if (!drain.done() && !drain.goes_on()) return false;
  }
  return true;
}

// From the first signal on: clients finish their transactions, then the databases close their ends.
void leave(Service& service, const sigset_t& set, Order order, const config::Config& config,
           Log& log) {
  Drain drain(service, config.shutdown_timeout, log);
  if (order == Order::leave_at_once) return drain.at_once();
  drain.await_clients();
  if (!drained(drain, set, log)) return drain.cut_short();
  drain.await_servers();
  if (!drained(drain, set, log)) drain.cut_short();
}

bool announce(const Service& service, const ServeOptions& options, Log& log) {
  for (const auto& address : service.addresses()) {
    log.write(
        LogLevel::info, "listening",
        {{"address", address}, {"workers", service.workers()}, {"version", TIDEGATE_VERSION}});
  }
  notify_systemd("READY=1");
  if (options.ready_file.empty()) return true;
  if (write_ready_file(options.ready_file, service.addresses())) return true;
  fmt::print(stderr, "tidegate: cannot write {}: {}\n", options.ready_file, std::strerror(errno));
  return false;
}

int cannot_serve(const std::string& why) {
  fmt::print(stderr, "tidegate: {}\n", why);
  return kExitFailure;
}

}  // namespace

int serve(const ServeOptions& options) {
  auto loaded = load(options);
  if (!report(loaded)) return kExitFailure;
  auto config = std::move(loaded.config);
  if (const auto applied = apply(options, config); !applied) {
    fmt::print(stderr, "tidegate: {}\n", applied.error());
    return kExitUsage;
  }
  if (options.check_only) return 0;

  const auto signals = block_signals();
  const auto descriptors = net::raise_descriptor_limit();
  auto log = net::LogWriter::make(
      {.level = config.log_level, .json = config.log_json, .file = config.log_file});
  if (!config.log_file.empty()) log_warnings(loaded, *log);
  if (const auto shortage = descriptor_shortage(config, worker_count(config), descriptors.limit)) {
    log->write(LogLevel::warning, "file descriptors may run out", {{"detail", *shortage}});
  }
  const auto pid_file = PidFile::make(config.pid_file);
  if (!pid_file) return cannot_serve(pid_file.error());
  auto service = Service::make(config, *log);
  if (!service) return cannot_serve(service.error());
  (*service)->start();
  if (!announce(**service, options, *log)) return kExitFailure;
  const auto order = wait_for_the_signal(signals, *log);
  leave(**service, signals, order, config, *log);
  (*service)->stop();
  log->write(LogLevel::info, "left", {});
  return 0;
}

}  // namespace tidegate::cli
