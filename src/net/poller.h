// One epoll instance, and the names of what is registered with it: a stream by its id, anything
// else by a kind and an index (those have generation 0, which no stream has).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <span>

#include "net/epoll_reactor.h"
#include "net/file_descriptor.h"

namespace tidegate::net {

enum class SourceKind : std::uint8_t { stream, mailbox, listener, resolver };

struct Source {
  std::uint64_t packed = 0;

  static Source of(StreamId stream) { return {stream.packed()}; }
  static Source of(SourceKind kind, std::uint32_t index) {
    return {(std::uint64_t{static_cast<std::uint8_t>(kind)} << 28) | index};
  }
  SourceKind kind() const {
    return (packed >> 32) != 0 ? SourceKind::stream : static_cast<SourceKind>(packed >> 28);
  }
  StreamId stream() const { return StreamId::unpacked(packed); }
  std::uint32_t index() const { return static_cast<std::uint32_t>(packed & ((1u << 28) - 1)); }
};

class Poller {
 public:
  // Events of one turn. More would save few system calls, and make the first reply of a turn wait
  // for the work of the last.
  static constexpr int kEventsMax = 32;

  explicit Poller(EpollReactor::Counters& counters);

  bool add(int fd, std::uint32_t events, Source source);
  void modify(int fd, std::uint32_t events, Source source);
  void remove(int fd);
  // -1 waits until something happens.
  std::span<const epoll_event> wait(int timeout_ms);

 private:
  EpollReactor::Counters& counters_;
  FileDescriptor epoll_;
  std::array<epoll_event, kEventsMax> events_;
};

}  // namespace tidegate::net
