#include "net/resolver.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>

namespace tidegate::net {
namespace {

constexpr int kQueryTimeoutMs = 2000;
constexpr int kTries = 2;

DnsAnswer answer_from(const ares_addrinfo& found) {
  DnsAnswer out;
  for (const auto* node = found.nodes; node != nullptr; node = node->ai_next) {
    Address address;
    std::memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
    address.length = node->ai_addrlen;
    out.addresses.push_back(address);
  }
  return out;
}

Duration ttl_of(const ares_addrinfo& found, Duration ttl_max) {
  auto ttl = ttl_max;
  for (const auto* node = found.nodes; node != nullptr; node = node->ai_next) {
    ttl = std::min<Duration>(ttl, std::chrono::seconds(std::max(node->ai_ttl, 0)));
  }
  return ttl;
}

void set_port(Address& address, int port) {
  const auto number = htons(static_cast<std::uint16_t>(port));
  if (address.storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = number;
  } else {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = number;
  }
}

}  // namespace

Resolver::Resolver(Poller& poller, TimerWheel& wheel, const Instant& now,
                   const EpollReactor::Options& options)
    : poller_(poller),
      wheel_(wheel),
      now_(now),
      servers_(options.dns_servers),
      ttl_max_(options.dns_ttl_max) {}

Resolver::~Resolver() {
  close_channel();
}

void Resolver::resolve(const Target& target, Done done) {
  Waiter waiter{target.port, std::move(done)};
  if (Address literal; parse_address(target.host, target.port, literal)) {
    answered_.push_back({{{literal}, {}}, std::move(waiter.done)});
    return;
  }
  if (const auto* known = cache_.find(target.host, now_))
    return hand_out(*known, std::move(waiter));
  if (const auto found = queries_.find(target.host); found != queries_.end()) {
    found->second->waiters.push_back(std::move(waiter));
    return;
  }
  start(target.host, std::move(waiter));
}

void Resolver::start(const std::string& name, Waiter waiter) {
  if (!open_channel()) {
    return hand_out({{}, fmt::format("cannot resolve {}: no resolver can be started", name)},
                    std::move(waiter));
  }
  auto query = std::make_unique<Query>(*this, name);
  query->waiters.push_back(std::move(waiter));
  auto* argument = query.get();
  queries_.emplace(name, std::move(query));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, query_ended, argument);
  schedule();
}

bool Resolver::open_channel() {
  if (channel_ != nullptr && queries_.empty() && now_ - channel_opened_ > kChannelMax) {
    close_channel();
  }
  if (channel_ != nullptr) return true;
  ares_options options{};
  options.timeout = kQueryTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Resolver*>(self)->watch_socket(fd, readable != 0, writable != 0);
  };
  const int which = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel_, &options, which) != ARES_SUCCESS) {
    channel_ = nullptr;
    return false;
  }
  if (!servers_.empty()) ares_set_servers_ports_csv(channel_, servers_.c_str());
  channel_opened_ = now_;
  return true;
}

void Resolver::close_channel() {
  if (channel_ == nullptr) return;
  ares_destroy(channel_);
  channel_ = nullptr;
  wheel_.disarm(timer_);
}

void Resolver::watch_socket(int fd, bool readable, bool writable) {
  const auto known = std::find(sockets_.begin(), sockets_.end(), fd);
  if (!readable && !writable) {
    if (known == sockets_.end()) return;
    poller_.remove(fd);
    sockets_.erase(known);
    return;
  }
  const auto events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
  const auto source = Source::of(SourceKind::resolver, static_cast<std::uint32_t>(fd));
  if (known != sockets_.end()) return poller_.modify(fd, events, source);
  if (poller_.add(fd, events, source)) sockets_.push_back(fd);
}

void Resolver::on_event(std::uint32_t fd, std::uint32_t events) {
  const auto socket = static_cast<ares_socket_t>(fd);
  if (std::find(sockets_.begin(), sockets_.end(), socket) == sockets_.end()) return;
  const bool input = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
  const bool output = (events & EPOLLOUT) != 0;
  ares_process_fd(channel_, input ? socket : ARES_SOCKET_BAD, output ? socket : ARES_SOCKET_BAD);
  schedule();
}

void Resolver::schedule() {
  timeval left{};
  wheel_.disarm(timer_);
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return;
  const Duration wait = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  timer_ = wheel_.arm(now_ + wait, this, 0);
}

void Resolver::timer_fired(TimerId, std::uint64_t) {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  schedule();
}

void Resolver::query_ended(void* argument, int status, int, ares_addrinfo* found) {
  auto& query = *static_cast<Query*>(argument);
  const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owned(found, ares_freeaddrinfo);
  if (status == ARES_EDESTRUCTION) return;
  query.resolver.answer(query.name, status, found);
}

void Resolver::answer(const std::string& name, int status, const ares_addrinfo* found) {
  DnsAnswer answer;
  Duration ttl = kFailureTtl;
  if (status == ARES_SUCCESS) {
    answer = answer_from(*found);
    ttl = ttl_of(*found, ttl_max_);
  } else if (status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME) {
    ttl = kUnknownNameTtl;
    answer.unknown_name = true;
  }
  if (answer.addresses.empty()) {
    answer.error = fmt::format("cannot resolve {}: {}", name, ares_strerror(status));
  }
  const auto query = queries_.extract(name);  // its name is our argument: keep it to the end
  for (auto& waiter : query.mapped()->waiters) hand_out(answer, std::move(waiter));
  cache_.put(name, std::move(answer), now_ + ttl, now_);
}

void Resolver::hand_out(const DnsAnswer& answer, Waiter waiter) {
  Resolved result{answer.addresses, answer.error, answer.unknown_name};
  for (auto& address : result.addresses) set_port(address, waiter.port);
  answered_.push_back({std::move(result), std::move(waiter.done)});
}

void Resolver::deliver() {
  auto answered = std::exchange(answered_, {});
  for (auto& each : answered) each.done(std::move(each.result));
}

}  // namespace tidegate::net
