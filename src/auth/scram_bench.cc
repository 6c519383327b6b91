#include <benchmark/benchmark.h>

#include "auth/scram.h"

namespace tidegate::auth {
namespace {

const Bytes kNonce = as_bytes("eighteen bytes ...");
const Bytes kSalt = as_bytes("sixteen bytes ..");

// Both sides of a login whose keys are known: what a pooler pays for each new connection.
void log_in(benchmark::State& state) {
  const auto salted = scram_salted_password("pencil", kSalt, kIterationsDefault);
  const auto client_key = scram_client_key(salted);
  const auto server_key = scram_server_key(salted);
  const auto verifier = make_scram_verifier("pencil", kSalt, kIterationsDefault);
  for (auto _ : state) {
    ScramServer server(verifier, {}, false);
    ScramClient client({}, false);
    const auto asked = server.first(client.first(kNonce), kNonce);
    benchmark::DoNotOptimize(client.challenge(*asked));
    const auto accepted = server.final(client.final(client_key, server_key));
    if (!accepted || !client.verify(*accepted)) state.SkipWithError("the login was refused");
  }
}

void check_a_client(benchmark::State& state) {
  const auto salted = scram_salted_password("pencil", kSalt, kIterationsDefault);
  const auto verifier_text = make_scram_verifier("pencil", kSalt, kIterationsDefault).text();
  ScramClient client({}, false);
  const auto client_first = client.first(kNonce);
  const auto server_first =
      ScramServer(*ScramVerifier::parse(verifier_text), {}, false).first(client_first, kNonce);
  benchmark::DoNotOptimize(client.challenge(*server_first));
  const auto client_final = client.final(scram_client_key(salted), scram_server_key(salted));
  for (auto _ : state) {
    ScramServer server(*ScramVerifier::parse(verifier_text), {}, false);
    benchmark::DoNotOptimize(server.first(client_first, kNonce));
    if (!server.final(client_final)) state.SkipWithError("the client was refused");
  }
}

void hash_a_password(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(scram_salted_password("pencil", kSalt, kIterationsDefault));
  }
}

BENCHMARK(log_in);
BENCHMARK(check_a_client);
BENCHMARK(hash_a_password);

}  // namespace
}  // namespace tidegate::auth
