// Something that looks like PostgreSQL and does nothing: every statement is answered at once with
// the same row. With it a pooler can be driven to its limits on machines with enough cores, which
// a real database on the same machine would prevent.
//
//   stub_server [THREADS] [PORT]      prints the port it listens on
//
// It accepts every login without a password. Each thread has a listener of its own on the port.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using namespace std::string_view_literals;

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string message(char type, std::string_view body) {
  std::string out(1, type);
  const auto length = static_cast<std::uint32_t>(body.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift);
  return out.append(body);
}

struct Answers {
  std::string logged_in =
      message('R', "\0\0\0\0"sv) + message('S', "server_version\00015.0\0"sv) +
      message('S', "server_encoding\0UTF8\0"sv) + message('S', "client_encoding\0UTF8\0"sv) +
      message('S', "DateStyle\0ISO, MDY\0"sv) + message('S', "TimeZone\0UTC\0"sv) +
      message('S', "IntervalStyle\0postgres\0"sv) + message('S', "integer_datetimes\0on\0"sv) +
      message('S', "standard_conforming_strings\0on\0"sv) + message('S', "is_superuser\0off\0"sv) +
      message('S', "session_authorization\0bench\0"sv) + message('S', "application_name\0\0"sv) +
      message('K', "\0\0\0\1\0\0\0\2"sv) + message('Z', "I");
  // One column of type int4, called abalance.
  std::string columns =
      message('T', "\0\1abalance\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"sv);
  std::string row = message('D', "\0\1\0\0\0\0010"sv) + message('C', "SELECT 1\0"sv);
  std::string ready = message('Z', "I");
  std::string parsed = message('1', "");
  std::string bound = message('2', "");
  std::string closed = message('3', "");
  std::string parameters = message('t', "\0\1\0\0\0\27"sv);
};

const Answers answers;

// One connection: bytes that are not a whole message yet, and answers not yet taken.
struct Connection {
  std::string input, output;
  bool logged_in = false;
};

void answer(Connection& connection, char type, std::string_view body) {
  auto& out = connection.output;
  switch (type) {
    case 'Q':
      out += answers.columns + answers.row + answers.ready;
      break;
    case 'P':
      out += answers.parsed;
      break;
    case 'B':
      out += answers.bound;
      break;
    case 'D':
      if (body.starts_with('S')) out += answers.parameters;
      out += answers.columns;
      break;
    case 'E':
      out += answers.row;
      break;
    case 'C':
      out += answers.closed;
      break;
    case 'S':
      out += answers.ready;
      break;
    default:
      break;
  }
}

// Takes the startup packet, or declines encryption, which is asked for in the same form.
std::size_t take_startup(Connection& connection, std::string_view input) {
  if (input.size() < 8 || input.size() < read_u32(input)) return 0;
  constexpr std::uint32_t kProtocol3 = 3u << 16;
  connection.logged_in = read_u32(input.substr(4)) == kProtocol3;
  connection.output += connection.logged_in ? answers.logged_in : "N";
  return read_u32(input);
}

std::size_t take_message(Connection& connection, std::string_view input) {
  if (input.size() < 5 || input.size() < 1 + read_u32(input.substr(1))) return 0;
  const std::size_t size = 1 + read_u32(input.substr(1));
  answer(connection, input[0], input.substr(5, size - 5));
  return size;
}

void step(Connection& connection) {
  std::string_view rest = connection.input;
  for (std::size_t taken = 1; taken > 0;) {
    taken = connection.logged_in ? take_message(connection, rest) : take_startup(connection, rest);
    rest.remove_prefix(taken);
  }
  connection.input.erase(0, connection.input.size() - rest.size());
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || listen(fd, 1024) < 0) {
    std::perror("listen");
    std::exit(1);
  }
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

class Server {
 public:
  explicit Server(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener);
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(512);
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if (!serve(fd)) {
          connections_.erase(fd);
          close(fd);
        }
      }
    }
  }

 private:
  // Level-triggered: what is left unread or unsent is reported again.
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections_.emplace(fd, Connection{});
      watch(fd);
    }
  }

  // False when the connection is over. Answers are small, so a full peer may block this thread.
  bool serve(int fd) {
    char buffer[65536];
    const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    Connection& connection = connections_[fd];
    connection.input.append(buffer, static_cast<std::size_t>(got));
    step(connection);
    const std::string out = std::move(connection.output);
    connection.output.clear();
    return out.empty() ||
           send(fd, out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size());
  }

  int listener_;
  int epoll_;
  std::unordered_map<int, Connection> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const int first = listen_on(argc > 2 ? std::atoi(argv[2]) : 0);
  const int port = port_of(first);
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) {
    others.emplace_back([listener = listen_on(port)] { Server(listener).run(); });
  }
  std::printf("%d\n", port);
  std::fflush(stdout);
  Server(first).run();
}
