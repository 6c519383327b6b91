// Both sides of SCRAM against anything the other side may send. The input is a sequence of lines:
// one byte of options, a client's two messages, a server's two, a stored verifier. Nobody without
// the password gets in.
#include <array>
#include <cstdlib>
#include <string_view>

#include "auth/base64.h"
#include "auth/saslprep.h"
#include "auth/scram.h"

namespace {

using tidegate::as_bytes;
using tidegate::Bytes;
using namespace tidegate::auth;

constexpr std::string_view kNonce = "eighteen bytes ...";
constexpr std::string_view kBinding = "the hash of a certificate";

std::string_view next_line(std::string_view& rest) {
  const auto line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

void play_client(ScramServer server, std::string_view first, std::string_view final) {
  const auto asked = server.first(first, as_bytes(kNonce));
  if (server.final(final)) std::abort();
  if (asked && !asked->starts_with("r=")) std::abort();
}

void play_server(ScramClient client, std::string_view first, std::string_view final) {
  client.first(as_bytes(kNonce));
  const auto challenge = client.challenge(first);
  if (!challenge) return;
  if (challenge->iterations == 0 || challenge->iterations > kIterationsMax) std::abort();
  client.final(Digest{1}, Digest{2});
  if (client.verify(final)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool plus = (data[0] & 1) != 0;
  const Bytes binding = (data[0] & 2) != 0 || plus ? as_bytes(kBinding) : Bytes{};
  auto rest = tidegate::as_text({data + 1, size - 1});

  const auto client_first = next_line(rest);
  const auto client_final = next_line(rest);
  play_client({mock_scram_verifier("user", Digest{3}), binding, plus}, client_first, client_final);
  const auto server_first = next_line(rest);
  const auto server_final = next_line(rest);
  play_server({binding, plus}, server_first, server_final);

  const auto verifier = ScramVerifier::parse(rest);
  if (verifier && ScramVerifier::parse(verifier->text())->salt != verifier->salt) std::abort();
  const auto decoded = base64_decode(rest);
  if (decoded && base64_encode(*decoded) != rest) std::abort();
  const auto prepared = saslprep_or_raw(rest);
  if (prepared.size() > rest.size() * 18) std::abort();  // the longest NFKC expansion
  return 0;
}
