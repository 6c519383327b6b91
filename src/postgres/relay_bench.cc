// What the relay costs per transaction, without a socket: one client, one server, replies from a
// recording. Logging in happens once, outside the loop.
#include <benchmark/benchmark.h>

#include <string>

#include "../tests/support/relay_ends.h"

namespace tidegate::postgres {
namespace {

using testing::frame;
using testing::zero;

struct Pair : testing::RelayEnds {
  // One turn of the proxy: the request, a server, the request again, the replies.
  void transact(std::string_view request, std::string_view replies) {
    auto taken = client.from_client(as_bytes(request), turn);
    link();
    if (taken < request.size()) client.from_client(as_bytes(request.substr(taken)), turn);
    server.from_server(as_bytes(replies), turn);
  }
};

std::string row() {
  return frame('D', std::string("\0\1\0\0\0\4", 6) + "1234") + frame('C', zero("SELECT 1")) +
         frame('Z', "I");
}
std::string columns() {
  return frame('T', std::string("\0\1", 2) + zero("abalance") + std::string(18, '\0'));
}

void run(benchmark::State& state, Pair& pair, const std::string& request,
         const std::string& replies) {
  const auto before = pair.client_port.releases;
  for (auto _ : state) pair.transact(request, replies);
  if (pair.client_port.releases - before != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("a transaction did not give its server back");
  }
}

void BM_SimpleTransaction(benchmark::State& state) {
  Pair pair;
  run(state, pair, frame('Q', zero("SELECT abalance FROM pgbench_accounts WHERE aid = 67890;")),
      columns() + row());
}
BENCHMARK(BM_SimpleTransaction);

void BM_PreparedTransaction(benchmark::State& state) {
  Pair pair;
  pair.transact(
      frame('P', zero("P0_1") + zero("SELECT abalance FROM pgbench_accounts WHERE aid = $1;") +
                     std::string(2, '\0')) +
          frame('S', ""),
      frame('1', "") + frame('Z', "I"));
  const auto request = frame('B', zero("") + zero("P0_1") + std::string("\0\0\0\1\0\0\0\5", 8) +
                                      "67890" + std::string("\0\0", 2)) +
                       frame('D', "P" + zero("")) + frame('E', zero("") + std::string(4, '\0')) +
                       frame('S', "");
  run(state, pair, request, frame('2', "") + columns() + row());
}
BENCHMARK(BM_PreparedTransaction);

void BM_ExtendedTransaction(benchmark::State& state) {
  Pair pair;
  const auto request =
      frame('P', zero("") + zero("SELECT abalance FROM pgbench_accounts WHERE aid = $1;") +
                     std::string(2, '\0')) +
      frame('B', zero("") + zero("") + std::string("\0\0\0\1\0\0\0\5", 8) + "67890" +
                     std::string("\0\0", 2)) +
      frame('D', "P" + zero("")) + frame('E', zero("") + std::string(4, '\0')) + frame('S', "");
  run(state, pair, request, frame('1', "") + frame('2', "") + columns() + row());
}
BENCHMARK(BM_ExtendedTransaction);

}  // namespace
}  // namespace tidegate::postgres
