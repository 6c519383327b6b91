#include "net/poller.h"

#include "base/check.h"

namespace tidegate::net {

Poller::Poller(EpollReactor::Counters& counters)
    : counters_(counters), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  TG_CHECK(epoll_);
}

bool Poller::add(int fd, std::uint32_t events, Source source) {
  ++counters_.epoll_ctls;
  epoll_event event{.events = events, .data = {.u64 = source.packed}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::modify(int fd, std::uint32_t events, Source source) {
  ++counters_.epoll_ctls;
  epoll_event event{.events = events, .data = {.u64 = source.packed}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd) {
  ++counters_.epoll_ctls;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const epoll_event> Poller::wait(int timeout_ms) {
  const int count = epoll_wait(epoll_.get(), events_.data(), kEventsMax, timeout_ms);
  return {events_.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
}

}  // namespace tidegate::net
