#include "net/acceptors.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "net/parcel.h"
#include "net/socket_options.h"

namespace tidegate::net {
namespace {

FileDescriptor open_reserve() {
  return FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_any(const Address& address) {
  const auto host = address.host_text();
  return host == "0.0.0.0" || host == "::";
}

bool out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// The connection failed before we got to it, or a signal came: the next one may be fine.
bool worth_another_try(int error) {
  return error != EAGAIN && error != EBADF && error != EINVAL;
}

}  // namespace

Acceptors::Acceptors(Poller& poller, TimerWheel& wheel, const Instant& now,
                     EpollReactor::Counters& counters)
    : poller_(poller), wheel_(wheel), now_(now), counters_(counters), reserve_(open_reserve()) {}

ListenerId Acceptors::add(std::shared_ptr<Listener> listener, AcceptHandler* handler) {
  const auto index = static_cast<std::uint32_t>(acceptors_.size());
  const bool any_address = is_any(listener->address());
  acceptors_.push_back({std::move(listener), handler, any_address, {}});
  watch(index);
  return {index, 1};
}

void Acceptors::remove(ListenerId id) {
  if (id.slot >= acceptors_.size() || !acceptors_[id.slot].listener) return;
  poller_.remove(acceptors_[id.slot].listener->fd());
  acceptors_[id.slot] = {};
}

void Acceptors::watch(std::uint32_t index) {
  poller_.add(acceptors_[index].listener->fd(), EPOLLIN | EPOLLEXCLUSIVE,
              Source::of(SourceKind::listener, index));
}

// To find out that nobody else waits costs a system call as well, so one connection is taken when
// they come singly. Whoever is left makes the listener readable in the very next turn, and then it
// is twice as many as the last time.
void Acceptors::on_event(std::uint32_t index) {
  auto& pace = acceptors_[index].pace;
  const bool again = pace.turn + 1 == counters_.turns;
  pace = {again ? std::min(2 * pace.batch, kAcceptsMax) : 1, counters_.turns};
  for (int i = pace.batch; i > 0; --i) {
    if (!acceptors_[index].listener || !accept_one(index)) return;
  }
}

// False: nothing more for this turn.
bool Acceptors::accept_one(std::uint32_t index) {
  auto& acceptor = acceptors_[index];
  Address peer;
  peer.length = sizeof peer.storage;
  const int listener = acceptor.listener->fd();
  FileDescriptor fd(accept4(listener, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    const int error = errno;
    if (!out_of_descriptors(error)) return worth_another_try(error);
    if (shed_one(index)) return true;
    rest(index);
    return false;
  }
  ++counters_.accepts;
  auto parcel = std::make_unique<SocketParcel>();
  parcel->unix_socket = acceptor.listener->address().is_unix();
  parcel->expects_input = acceptor.listener->options().defer_accept && !parcel->unix_socket;
  const auto local =
      acceptor.any_address ? local_address_of(fd.get()) : acceptor.listener->address();
  if (parcel->unix_socket) peer = local;  // clients on unix sockets have no name of their own
  parcel->socket = std::move(fd);
  acceptor.handler->accepted({index, 1}, std::move(parcel), peer, local);
  return true;
}

// True when the listener can go on: a connection was closed, or none waits any more.
bool Acceptors::shed_one(std::uint32_t index) {
  reserve_.reset();
  const auto& acceptor = acceptors_[index];
  const int fd = accept4(acceptor.listener->fd(), nullptr, nullptr, SOCK_CLOEXEC);
  const bool done = fd >= 0 || errno == EAGAIN;
  if (fd >= 0) ::close(fd);
  reserve_ = open_reserve();
  if (fd >= 0) {
    ++counters_.accepts_shed;
    acceptor.handler->accept_shed({index, 1});
  }
  return done;
}

void Acceptors::rest(std::uint32_t index) {
  poller_.remove(acceptors_[index].listener->fd());
  wheel_.arm(now_ + kRest, this, index);
}

void Acceptors::timer_fired(TimerId, std::uint64_t cookie) {
  const auto index = static_cast<std::uint32_t>(cookie);
  if (!reserve_) reserve_ = open_reserve();
  if (acceptors_[index].listener) watch(index);
}

}  // namespace tidegate::net
