// Opens many clients, lets each run a prepared statement and a SET, and then holds them idle until
// its standard input ends. What a pooler keeps for them is measured from outside.
//
//   idle_clients HOST PORT USER DATABASE COUNT [tls] [unnamed]      prints "ready COUNT"
//
// `unnamed` leaves out the statement's name, for poolers that know no prepared statements.
// The user must be trusted: a thousand times PBKDF2 would be measured otherwise. Clients log in a
// few at a time over blocking sockets, which is enough for a tool that is then silent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

// What happens to be allocated per client here must not disturb: one context, small buffers.
struct Client {
  int fd = -1;
  SSL* tls = nullptr;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void append_length(std::string& out, std::size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift);
}

std::string message(char type, std::string_view body) {
  std::string out(1, type);
  append_length(out, body.size() + 4);
  return out.append(body);
}

std::string startup(std::string_view user, std::string_view database) {
  std::string body("\0\3\0\0", 4);
  body.append("user").append(1, '\0').append(user).append(1, '\0');
  body.append("database").append(1, '\0').append(database).append(2, '\0');
  std::string out;
  append_length(out, body.size() + 4);
  return out + body;
}

// A SET, then a named statement that is parsed, bound and executed once.
std::string first_work(const std::string& name) {
  using namespace std::string_view_literals;
  std::string parse = name, bind = '\0' + name;
  parse += "\0SELECT abalance FROM pgbench_accounts WHERE aid = $1\0\0\0"sv;
  bind += "\0\0\0\0\1\0\0\0\0011\0\0"sv;
  return message('Q', "SET TimeZone = 'Europe/Berlin'\0"sv) + message('P', parse) +
         message('B', bind) + message('E', "\0\0\0\0\0"sv) + message('S', "");
}

void send_all(const Client& client, const std::string& bytes) {
  const int size = static_cast<int>(bytes.size());
  const auto sent =
      client.tls != nullptr
          ? SSL_write(client.tls, bytes.data(), size)
          : static_cast<int>(send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  if (sent != size) fail("send");
}

void receive_exactly(const Client& client, char* out, std::size_t wanted) {
  while (wanted > 0) {
    const auto got = client.tls != nullptr ? SSL_read(client.tls, out, static_cast<int>(wanted))
                                           : recv(client.fd, out, wanted, 0);
    if (got <= 0) fail("the pooler closed the connection");
    out += got;
    wanted -= static_cast<std::size_t>(got);
  }
}

// Reads up to and including the `count`-th ReadyForQuery; an error ends the program.
void await_ready(const Client& client, int count) {
  std::vector<char> body;
  while (count > 0) {
    unsigned char head[5];
    receive_exactly(client, reinterpret_cast<char*>(head), sizeof head);
    const std::size_t length = (std::size_t{head[1]} << 24 | std::size_t{head[2]} << 16 |
                                std::size_t{head[3]} << 8 | head[4]) -
                               4;
    body.resize(length + 1);
    receive_exactly(client, body.data(), length);
    if (head[0] == 'E') {
      std::fprintf(stderr, "an error instead of an answer\n");
      fwrite(body.data(), 1, length, stderr);
      std::exit(1);
    }
    if (head[0] == 'Z') --count;
  }
}

int connect_to(const sockaddr_in& pooler) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&pooler), sizeof pooler) < 0) fail("connect");
  return fd;
}

SSL* secure(int fd, SSL_CTX* context) {
  const char request[] = "\0\0\0\10\4\322\26\57";  // SSLRequest
  if (send(fd, request, 8, 0) != 8) fail("send");
  char answer = 0;
  if (recv(fd, &answer, 1, 0) != 1 || answer != 'S') fail("the pooler does not offer TLS");
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, fd);
  if (SSL_connect(tls) != 1) fail("TLS handshake");
  return tls;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: idle_clients HOST PORT USER DATABASE COUNT [tls] [unnamed]\n");
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  sockaddr_in pooler{};
  pooler.sin_family = AF_INET;
  pooler.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  if (inet_pton(AF_INET, argv[1], &pooler.sin_addr) != 1) fail("host must be an IPv4 address");
  const std::vector<std::string_view> words(argv + 6, argv + argc);
  const auto has = [&](std::string_view word) { return std::ranges::count(words, word) > 0; };
  SSL_CTX* context = has("tls") ? SSL_CTX_new(TLS_client_method()) : nullptr;
  if (context != nullptr) SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);

  const int count = std::atoi(argv[5]);
  const auto login = startup(argv[3], argv[4]);
  const auto work = first_work(has("unnamed") ? "" : "held");
  for (int i = 0; i < count; ++i) {
    Client client{.fd = connect_to(pooler)};
    if (context != nullptr) client.tls = secure(client.fd, context);
    send_all(client, login);
    await_ready(client, 1);
    send_all(client, work);
    await_ready(client, 2);
    // Held by the kernel from here on; the process ends with all of them.
  }
  std::printf("ready %d\n", count);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
