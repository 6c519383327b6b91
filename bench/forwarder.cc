// A byte forwarder: every client gets a server connection of its own, and bytes go across unread.
// It is what the kernel alone costs, the reference that poolers are measured against. It was
// written before the pooler and is left alone, so that figures stay comparable over time.
//
//   forwarder SERVER_HOST SERVER_PORT [LISTEN_PORT]     prints the port it listens on
//
// One thread, one edge-triggered epoll set, one shared receive buffer. A query and its answer cost
// two receives and two sends: a short read means that the socket is empty, so nothing is read
// twice, and sockets are registered once for all events, so nothing is re-armed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

char buffer[kBufferBytes];

struct Pair;

// One end of a forwarded connection. `held` are bytes read here that the peer did not take yet;
// while there are any, nothing more is read, and the sender's kernel holds it back.
struct Side {
  int fd = -1;
  Side* peer = nullptr;
  Pair* pair = nullptr;
  std::string held;
  bool finished = false;  // end of stream was read and passed on
};

struct Pair {
  Side client, server;
  bool broken = false;
  bool is_over() const { return broken || (client.finished && server.finished); }
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in address_of(const char* host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("host must be an IPv4 address");
  return address;
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = address_of("127.0.0.1", port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fail("bind");
  if (listen(fd, 4096) < 0) fail("listen");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// A loopback connect either succeeds or fails at once, so waiting for it here is harmless.
int connect_to(const sockaddr_in& server) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// Sends what can be sent of `held`; true when nothing is left of it.
bool flush(Side& from) {
  const ssize_t sent = send(from.peer->fd, from.held.data(), from.held.size(), kSendFlags);
  if (sent < 0) {
    from.pair->broken = errno != EAGAIN;
    return false;
  }
  from.held.erase(0, static_cast<std::size_t>(sent));
  return from.held.empty();
}

// Moves bytes from one side to its peer until the socket is empty, the peer is full or the stream
// ends. `to_the_end`: the end of the stream is known to wait behind the bytes.
void pump(Side& from, bool to_the_end) {
  for (bool more = true; more;) {
    const ssize_t got = recv(from.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) {
      from.pair->broken = errno != EAGAIN;
      return;
    }
    if (got == 0) {
      from.finished = true;
      shutdown(from.peer->fd, SHUT_WR);
      return;
    }
    const ssize_t sent = send(from.peer->fd, buffer, static_cast<std::size_t>(got), kSendFlags);
    if (sent < got) {
      from.pair->broken = sent < 0 && errno != EAGAIN;
      const ssize_t taken = sent < 0 ? 0 : sent;
      from.held.assign(buffer + taken, static_cast<std::size_t>(got - taken));
      return;
    }
    more = to_the_end || got == sizeof buffer;
  }
}

// What epoll reported of one side: room to send to it, and bytes or the end to read from it.
void step(Side& side, std::uint32_t events) {
  Side& peer = *side.peer;
  if ((events & EPOLLOUT) != 0 && !peer.held.empty() && flush(peer)) pump(peer, true);
  const bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (side.finished || side.pair->broken || !(ended || (events & EPOLLIN) != 0)) return;
  if (side.held.empty()) pump(side, ended);  // else it is read when the peer has taken all
}

void watch(int epoll, Side& side, int fd, Side& peer, Pair& pair) {
  side.fd = fd;
  side.peer = &peer;
  side.pair = &pair;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &side}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

void accept_all(int listener, int epoll, const sockaddr_in& server) {
  for (;;) {
    const int client_fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client_fd < 0) return;
    const int server_fd = connect_to(server);
    if (server_fd < 0) {
      close(client_fd);
      continue;
    }
    auto* pair = new Pair;
    watch(epoll, pair->client, client_fd, pair->server, *pair);
    watch(epoll, pair->server, server_fd, pair->client, *pair);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: forwarder HOST PORT [LISTEN_PORT]\n"), 2;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const sockaddr_in server = address_of(argv[1], std::atoi(argv[2]));
  const int listener = listen_on(argc > 3 ? std::atoi(argv[3]) : 0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");

  std::vector<epoll_event> events(1024);
  std::vector<Pair*> over;  // freed after the turn: a later event of it may name the pair
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& happened = events[static_cast<std::size_t>(i)];
      auto* side = static_cast<Side*>(happened.data.ptr);
      if (side == nullptr) {
        accept_all(listener, epoll, server);
      } else if (!side->pair->is_over()) {
        step(*side, happened.events);
        if (side->pair->is_over()) over.push_back(side->pair);
      }
    }
    for (Pair* pair : over) {
      close(pair->client.fd);
      close(pair->server.fd);
      delete pair;
    }
    over.clear();
  }
}
