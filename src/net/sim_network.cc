#include "net/sim_network.h"

#include <netinet/in.h>

#include <algorithm>

namespace tidegate::net {

namespace {

constexpr Duration kWeatherPeriod = 10ms;
constexpr Duration kKernelConnectTimeout = 127s;  // Linux with tcp_syn_retries = 6
constexpr std::size_t kWindowBytes = 256 * 1024;
constexpr std::int64_t kSwizzleMax = 8;

std::string key(const Address& address) {
  return {reinterpret_cast<const char*>(&address.storage), address.length};
}

}  // namespace

Address sim_address(std::uint32_t host, int port) {
  Address address;
  sockaddr_in ip{};
  ip.sin_family = AF_INET;
  ip.sin_addr.s_addr = htonl((10u << 24) | host);
  ip.sin_port = htons(static_cast<std::uint16_t>(port));
  std::memcpy(&address.storage, &ip, sizeof ip);
  address.length = sizeof ip;
  return address;
}

SimNetwork::SimNetwork(std::uint64_t seed, const SimFaultMenu& menu) : random_(seed), menu_(menu) {
  // Near (a socket file) or far (another continent), for the whole run.
  static constexpr Duration kLatencies[] = {20us, 200us, 2ms, 20ms};
  latency_max_ = kLatencies[random_.below(std::size(kLatencies))];
  wall_base_us_ += static_cast<std::int64_t>(random_.below(1'000'000'000));
}

// Tasks that never ran may own sockets, which launch their last segments when they go.
SimNetwork::~SimNetwork() {
  ending_ = true;
  while (!events_queue_.empty()) events_queue_.pop();
}

bool SimNetwork::strikes(SimFault fault) {
  const auto index = static_cast<std::size_t>(fault);
  if (menu_[index] == 0 || random_.below(10'000) >= menu_[index]) return false;
  ++fault_counts_[index];
  return true;
}

void SimNetwork::calm_down() {
  menu_ = {};
  calm_ = true;
  for (auto& [link, sender] : std::exchange(clogged_, {})) {
    if (auto living = link.lock()) living->clog(sender, false);
  }
}

void SimNetwork::at(Instant when, Task task) {
  if (ending_) return;
  events_queue_.push({std::max(when, now_), order_++, std::move(task)});
}

bool SimNetwork::step() {
  if (events_queue_.empty()) return false;
  Task task = std::move(events_queue_.top().task);
  const auto at = events_queue_.top().at;
  events_queue_.pop();
  now_ = std::max(now_, at);
  ++events_;
  note(static_cast<std::uint64_t>(now_.ns));
  task();
  return true;
}

void SimNetwork::run_until(Instant when) {
  while (!events_queue_.empty() && events_queue_.top().at <= when) step();
  now_ = std::max(now_, when);
}

void SimNetwork::listen(const Address& address, SimAcceptor* acceptor) {
  acceptors_[key(address)] = acceptor;
}

void SimNetwork::stop_listening(const Address& address) {
  acceptors_.erase(key(address));
}

SimAcceptor* SimNetwork::acceptor(const Address& address) const {
  const auto found = acceptors_.find(key(address));
  return found == acceptors_.end() ? nullptr : found->second;
}

std::shared_ptr<SimAttempt> SimNetwork::connect(const Address& from, const Address& to,
                                                SimConnected done) {
  auto attempt = std::make_shared<SimAttempt>();
  auto delay = random_.between(1us, latency_max_ * 2);
  auto outcome = CloseReason::local;
  if (strikes(SimFault::connect_refused)) outcome = CloseReason::connect_refused;
  if (strikes(SimFault::slow_connect)) delay += random_.between(100ms, 5s);
  if (silent_.contains(key(to)) || strikes(SimFault::connect_timeout)) {
    outcome = CloseReason::connect_timeout;
    delay = kKernelConnectTimeout;
  }
  schedule_weather();
  after(delay, [this, attempt, from, to, outcome, done = std::move(done)]() mutable {
    if (attempt->abandoned) return;
    if (outcome != CloseReason::local) return done({}, outcome);
    establish(from, to, std::move(done));
  });
  return attempt;
}

void SimNetwork::establish(const Address& from, const Address& to, SimConnected done) {
  auto* there = acceptor(to);
  if (there == nullptr) return done({}, CloseReason::connect_refused);
  const auto window = strikes(SimFault::narrow_buffer)
                          ? static_cast<std::size_t>(random_.between(64, 4096))
                          : kWindowBytes;
  auto link = std::make_shared<SimLink>(*this, random_.between(1us, latency_max_), window);
  links_.push_back(link);
  there->incoming(SimSocket{link, 1}, from, to);
  done(SimSocket{link, 0}, CloseReason::local);
}

void SimNetwork::swallow(const Address& address) {
  silent_.insert(key(address));
}

void SimNetwork::set_host(const std::string& name, std::vector<Address> addresses) {
  hosts_[name] = std::move(addresses);
}

Resolved SimNetwork::resolve(const Target& target) {
  if (strikes(SimFault::dns_failure)) return {{}, "simulated: no answer from any name server"};
  if (const auto found = hosts_.find(target.host); found != hosts_.end()) {
    auto addresses = found->second;
    std::rotate(addresses.begin(),
                addresses.begin() + static_cast<std::ptrdiff_t>(random_.below(addresses.size())),
                addresses.end());
    return {std::move(addresses), {}};
  }
  Address literal;
  if (parse_address(target.host, target.port, literal)) return {{literal}, {}};
  return {{}, "simulated: no such host"};
}

std::vector<std::shared_ptr<SimLink>> SimNetwork::living_links() {
  std::vector<std::shared_ptr<SimLink>> living;
  std::erase_if(links_, [&](const std::weak_ptr<SimLink>& link) {
    auto held = link.lock();
    if (held == nullptr || held->abandoned()) return true;
    living.push_back(std::move(held));
    return false;
  });
  return living;
}

// The faults without an occasion of their own. Stops by itself when no connection is left, so that
// a simulation can come to its end.
void SimNetwork::weather() {
  weather_scheduled_ = false;
  if (calm_ || living_links().empty()) return;
  if (strikes(SimFault::link_reset)) random_link()->cut();
  if (strikes(SimFault::clog)) swizzle();
  if (strikes(SimFault::wall_jump)) {
    wall_base_us_ += random_.between(-86'400'000'000, 86'400'000'000);
  }
  if (strikes(SimFault::time_leap)) now_ = now_ + random_.between(100ms, 3s);
  schedule_weather();
}

void SimNetwork::schedule_weather() {
  if (calm_ || std::exchange(weather_scheduled_, true)) return;
  after(kWeatherPeriod, [this] { weather(); });
}

std::shared_ptr<SimLink> SimNetwork::random_link() {
  auto links = living_links();
  return links[random_.below(links.size())];
}

// Swizzle-clogging: some directions stop one after the other and open again in another order.
void SimNetwork::swizzle() {
  std::erase_if(clogged_, [](const auto& clogged) { return clogged.first.expired(); });
  for (auto count = random_.between(1, kSwizzleMax); count > 0; --count) {
    const std::weak_ptr<SimLink> link = random_link();
    const int sender = static_cast<int>(random_.below(2));
    const auto start = random_.between(0ms, 200ms);
    const auto length = random_.between(1ms, 2s);
    clogged_.emplace_back(link, sender);
    after(start, [this, link, sender] {
      if (auto living = link.lock(); living && !calm_) living->clog(sender, true);
    });
    after(start + length, [link, sender] {
      if (auto living = link.lock()) living->clog(sender, false);
    });
  }
}

}  // namespace tidegate::net
