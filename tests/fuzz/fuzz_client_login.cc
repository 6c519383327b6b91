// A client that says anything during its login. It must end admitted, refused once or waiting; with
// bounded memory, and never admitted without a proof.
#include "base/check.h"
#include "login_input.h"
#include "postgres/client_login.h"

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

using State = ClientLogin::State;

class Port : public session::ClientPort {
 public:
  explicit Port(const fuzz::LoginInput& input) : input_(input) {}

  void to_client(Bytes bytes) override {
    TG_CHECK(closed == 0);
    sent_bytes += bytes.size();
  }
  void close_client(Reason, session::Farewell) override { ++closed; }
  bool tls_offered() const override { return input_.has(0); }
  bool tls_required() const override { return input_.has(1); }
  bool cleartext_password_allowed() const override { return input_.has(2); }
  void start_tls() override { tls_begins = true; }
  void need_secret(std::string_view user, std::string_view) override {
    TG_CHECK(!user.empty());
    secret_wanted = true;
  }
  session::Destination admit(std::string_view, std::string_view) override {
    admitted = true;
    return {};
  }
  void cancel_requested(std::uint32_t, Bytes key) override {
    TG_CHECK(key.size() >= 4 && key.size() <= 256);
  }
  void login_done(std::string_view) override { TG_CHECK(false); }
  std::uint32_t cancel_pid() override { return 0; }
  std::uint32_t cancel_key() override { return 0; }
  void want_server(HoldKind, FitTag) override { TG_CHECK(false); }
  void release_server() override { TG_CHECK(false); }
  void drop_server(Reason) override { TG_CHECK(false); }
  bool hold_changed(HoldKind, std::string_view) override { return false; }
  void application_name_changed(std::string_view) override {}
  Log& log() override { return log_; }

  int closed = 0;
  std::size_t sent_bytes = 0;
  bool tls_begins = false;
  bool secret_wanted = false;
  bool admitted = false;

 private:
  const fuzz::LoginInput& input_;
  fuzz::QuietLog log_;
};

// Nobody can know these passwords: the proofs of an honest client are tested elsewhere.
session::Secret secret_for(const fuzz::LoginInput& input) {
  session::Secret secret = {.known = input.has(3)};
  if (input.has(4)) {
    secret.scram_verifier = auth::mock_scram_verifier("user", auth::Digest{}).text();
  } else if (input.has(5)) {
    secret.md5 = "md50123456789abcdef0123456789abcdef";
  } else {
    secret.password = "Zk3vQ0x8yR1mTnB5uGfJ7eWs";
  }
  return secret;
}

void answer(Port& port, ClientLogin& login, const session::Secret& secret,
            const session::Turn& turn) {
  if (std::exchange(port.tls_begins, false)) login.secured({.channel_binding = {1, 2}}, turn);
  if (std::exchange(port.secret_wanted, false)) login.secret_found(secret, turn);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::LoginInput::from(data, size);
  Port port(input);
  ClientLogin login(port);
  fuzz::FixedEntropy entropy;
  const session::Turn turn{Instant{}, WallTime{}, entropy};
  const auto secret = secret_for(input);
  if (input.has(6)) login.secured({.alpn = "postgresql", .channel_binding = {1, 2}}, turn);
  while (!input.bytes.empty()) {
    auto piece = input.next_piece();
    while (!piece.empty() && login.state() != State::admitted) {
      const auto taken = login.from_client(piece, turn);
      TG_CHECK(taken <= piece.size());
      piece = piece.subspan(taken);
      answer(port, login, secret, turn);
    }
  }
  TG_CHECK(!port.admitted);
  TG_CHECK(port.closed <= 1);
  TG_CHECK((login.state() == State::finished) == (port.closed == 1));
  TG_CHECK(port.sent_bytes < 64 * 1024);
  return 0;
}
