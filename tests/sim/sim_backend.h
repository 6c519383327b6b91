// One connection to the simulated PostgreSQL, from its first packet to its end: login, then a
// SimSession driven by what arrives, with the time that statements take, back-pressure, cancels
// and every way to die.
#pragma once

#include <memory>
#include <string>

#include "net/sim_network.h"
#include "sim/server_faults.h"
#include "sim/sim_session.h"
#include "sim/wire.h"

namespace tidegate::auth {
class ScramServer;
}

namespace tidegate::sim {

class SimPostgres;

class SimBackend final : public net::SimSocketWatcher {
 public:
  SimBackend(SimPostgres& postgres, net::SimSocket socket, std::uint32_t pid, std::uint32_t key);
  ~SimBackend() override;

  std::uint32_t pid() const { return pid_; }
  std::uint32_t key() const { return key_; }
  // It has sent a startup packet and so takes one of the database's places.
  bool counts() const { return state_ >= State::logging_in && state_ != State::dead; }
  bool serves(std::string_view user, std::string_view database) const {
    return user_ == user && database_ == database;
  }
  bool idle() const { return state_ == State::ready && !running_; }
  Instant peer_gone_at() const { return socket_.peer_gone_at(); }
  bool cut_off() const { return socket_.peer_was_reset(); }

  void cancel();
  void die_with(std::string_view sqlstate, std::string_view text);
  void say(const Message& message);  // at an odd time

 private:
  enum class State : std::uint8_t {
    first_packet,
    securing,
    logging_in,
    password,  // in clear or md5
    sasl_first,
    sasl_final,
    ready,
    dead
  };
  enum class End : std::uint8_t { orderly, reset };

  void socket_changed() override;
  void work();
  bool step();  // false: it needs more bytes
  bool take_first_packet();
  bool take_ssl_request(bool tls);
  bool take_cancel(std::string_view body);
  bool take_hello();
  void take_startup(std::string_view body);
  void ask_for_proof();
  bool take_password();
  bool take_sasl(const Message& message);
  bool dies_at_login(char step);
  void welcome();
  bool take_message();
  void take_terminate();
  void run(const Message& message);
  void finish_running();
  void reply(const Messages& messages, char cause);
  void send(const Message& message);
  void trace(std::string_view direction, const Message& message);
  void flush();
  void die(End end);
  void refuse(std::string_view sqlstate, std::string_view text);
  End random_end();
  template <typename Step>
  void later(Duration delay, Step step);

  SimPostgres& postgres_;
  net::SimSocket socket_;
  std::uint32_t pid_;
  std::uint32_t key_;
  State state_ = State::first_packet;
  MessageReader reader_;
  std::string output_;
  std::unique_ptr<SimSession> session_;
  std::unique_ptr<auth::ScramServer> scram_;
  std::string user_;
  std::string database_;
  bool secured_ = false;
  ByteBuffer salt_;  // of an md5 challenge
  Message current_;  // what takes time now
  bool running_ = false;
  bool waiting_ = false;  // a slow login
  bool input_ended_ = false;
  bool terminated_ = false;  // Terminate came
  bool working_ = false;
  std::uint64_t serial_ = 0;  // of the statement that takes time
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidegate::sim
