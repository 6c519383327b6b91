#include "cli/service.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <latch>
#include <utility>

#include "base/check.h"
#include "net/listen_names.h"
#include "net/tls.h"

namespace tidegate::cli {
namespace {

constexpr int kOffloadThreads = 2;
constexpr std::size_t kOffloadQueueMax = 10'000;

std::expected<net::TlsContextRef, std::string> client_tls(const config::Config& config) {
  if (config.client_ssl_mode == net::SslMode::disable) return net::TlsContextRef{};
  if (config.client_tls.cert_file.empty()) return net::make_self_signed_tls("tidegate");
  auto settings = config.client_tls;
  settings.verify_peer = config.client_ssl_mode >= net::SslMode::verify_ca;
  return net::make_server_tls(settings);
}

net::ListenOptions listen_options(const config::Config& config, const config::Listen& listen) {
  return {.defer_accept = config.tcp_defer_accept,
          .reuse_port = config.reuse_port,
          .unix_mode = listen.unix_mode,
          .tcp = {.keepalive = config.tcp_keepalive,
                  .keepalive_idle_s = config.tcp_keepalive_idle_s,
                  .keepalive_interval_s = config.tcp_keepalive_interval_s,
                  .keepalive_count = config.tcp_keepalive_count,
                  .user_timeout = config.tcp_user_timeout}};
}

// A worker looks names up for all upstreams: none believes an address for longer than it says.
net::EpollReactor::Options reactor_options(const config::Config& config) {
  net::EpollReactor::Options options;
  const auto& all = config.upstreams;
  const auto shortest = std::ranges::min_element(all, {}, &config::Upstream::dns_ttl_max);
  if (shortest != all.end()) options.dns_ttl_max = shortest->dns_ttl_max;
  return options;
}

}  // namespace

std::size_t worker_count(const config::Config& config) {
  const auto wanted = config.workers > 0 ? static_cast<unsigned>(config.workers)
                                         : std::thread::hardware_concurrency();
  return std::clamp<std::size_t>(wanted, 1, proxy::kWorkersMax);
}

std::expected<std::unique_ptr<Service>, std::string> Service::make(config::Config config,
                                                                   Log& log) {
  auto service = std::unique_ptr<Service>(new Service());
  auto tls = client_tls(config);
  if (!tls) return std::unexpected(tls.error());
  const auto count = worker_count(config);
  service->offload_ = net::Offload::make(kOffloadThreads, kOffloadQueueMax);

  auto first = net::EpollReactor::make(*service->offload_, reactor_options(config));
  proxy::Process::Wiring wiring{.log = log, .client_tls = *tls};
  first->entropy().fill(wiring.process_secret);
  wiring.jitter_seed = first->entropy().u64();
  auto process = proxy::Process::make(std::move(config), count, wiring);
  if (!process) return std::unexpected(process.error());
  service->process_ = std::move(*process);

  service->lanes_.resize(count);
  service->lanes_.front().reactor = std::move(first);
  service->open_lanes(count);
  if (auto opened = service->open_listeners(); !opened) return std::unexpected(opened.error());
  return service;
}

void Service::open_lanes(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    auto& lane = lanes_[i];
    if (lane.reactor == nullptr) {
      lane.reactor = net::EpollReactor::make(*offload_, reactor_options(process_->config()));
    }
    lane.worker = std::make_unique<proxy::Worker>(*process_, static_cast<proxy::WorkerIndex>(i),
                                                  *lane.reactor);
    lane.console = std::make_unique<admin::Console>(*process_, *lane.worker);
    lane.worker->set_console(lane.console.get());
  }
}

// Whatever is wrong is told at once, not one mistake per start.
std::expected<void, std::string> Service::open_listeners() {
  const auto& config = process_->config();
  std::string wrong;
  const auto note = [&wrong](const std::string& why) {
    wrong += (wrong.empty() ? "" : "; ") + why;
  };
  std::vector<net::Address> doors;
  std::vector<net::ListenOptions> options;
  for (const auto& listen : config.listen) {
    const auto addresses = net::addresses_to_listen_on(listen.host, listen.port);
    if (!addresses) {
      note(addresses.error());
      continue;
    }
    doors.insert(doors.end(), addresses->begin(), addresses->end());
    options.resize(doors.size(), listen_options(config, listen));
  }
  for (std::size_t i = 0; i < doors.size(); ++i) {
    if (net::included_in(doors, i)) continue;
    auto listener = net::Listener::open(doors[i], options[i]);
    if (!listener) {
      note(listener.error());
    } else {
      listeners_.push_back(std::move(*listener));
    }
  }
  if (!wrong.empty()) return std::unexpected(wrong);
  return {};
}

void Service::say_last_events(const void* service) {
  for (const auto& lane : static_cast<const Service*>(service)->lanes_) {
    std::fprintf(stderr, "tidegate: last events of worker %d:\n", int{lane.worker->index()});
    lane.worker->last_events().print(stderr);
  }
}

Service::~Service() {
  if (running_) stop();
  set_last_words(nullptr, nullptr);
  // Clients and servers close their streams, so workers go before reactors.
  for (auto& lane : lanes_) {
    lane.console.reset();
    lane.worker.reset();
  }
}

void Service::start() {
  running_ = true;
  set_last_words(say_last_events, this);
  for (auto& lane : lanes_) {
    for (const auto& listener : listeners_) {
      lane.accepting.push_back(lane.reactor->accept_from(listener, lane.worker.get()));
    }
    lane.thread = std::thread([&lane] { lane.reactor->run(*lane.worker); });
  }
}

template <typename OnWorker>
void Service::on_every_worker(OnWorker task) {
  std::latch all(static_cast<std::ptrdiff_t>(lanes_.size()));
  for (auto& lane : lanes_) {
    lane.reactor->post([&lane, &all, &task] {
      task(lane);
      all.count_down();
    });
  }
  all.wait();
}

void Service::leave() {
  process_->leave();
  on_every_worker([](Lane& lane) {
    for (const auto listener : std::exchange(lane.accepting, {})) {
      lane.reactor->stop_accepting(listener);
    }
    lane.worker->dismiss_all();
  });
  // Closed, so that who comes now is refused and does not wait behind a door that nobody opens.
  listeners_.clear();
}

net::LastWords Service::last_words() {
  std::atomic<std::size_t> unsent{0}, unheard{0};
  on_every_worker([&](Lane& lane) {
    const auto words = lane.reactor->last_words();
    unsent += words.unsent;
    unheard += words.unheard;
  });
  return {.unsent = unsent, .unheard = unheard};
}

std::vector<Straggler> Service::stragglers() {
  std::vector<std::vector<Straggler>> parts(lanes_.size());
  on_every_worker([&](Lane& lane) { parts[lane.worker->index()] = cli::stragglers(*lane.worker); });
  std::vector<Straggler> all;
  for (auto& part : parts) std::ranges::move(part, std::back_inserter(all));
  return all;
}

void Service::close_servers() {
  on_every_worker([](Lane& lane) { lane.worker->close_servers(); });
}

std::size_t Service::servers_left() {
  std::size_t total = 0;
  for (const auto& upstream : process_->routes().upstreams()) {
    total += upstream->with_pool(
        [](pool::Pool& pool) { return static_cast<std::size_t>(pool.total_servers()); });
  }
  return total;
}

void Service::dismiss_everybody() {
  on_every_worker([](Lane& lane) {
    lane.worker->close_servers();
    lane.worker->dismiss_everybody();
  });
}

void Service::stop() {
  for (auto& lane : lanes_) lane.reactor->stop();
  for (auto& lane : lanes_) lane.thread.join();
  offload_->stop();
  running_ = false;
}

std::vector<std::string> Service::addresses() const {
  std::vector<std::string> texts;
  for (const auto& listener : listeners_) texts.push_back(listener->address().text());
  return texts;
}

}  // namespace tidegate::cli
