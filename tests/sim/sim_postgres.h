// A simulated PostgreSQL: the postmaster, which takes connections, counts them, cancels, restarts
// and dies. Each session is a SimBackend.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/sim_network.h"
#include "sim/ledger.h"
#include "sim/sim_backend.h"

namespace tidegate::sim {

class SimPostgres final : public net::SimAcceptor {
 public:
  SimPostgres(net::SimNetwork& network, net::Address address, ServerOptions options,
              Ledger& ledger);
  ~SimPostgres() override;

  const net::Address& address() const { return address_; }
  const ServerFaultCounts& fault_counts() const { return fault_counts_; }
  const DeathCounts& deaths() const { return deaths_; }
  int sessions_peak() const { return sessions_peak_; }
  int sessions_counted() const;
  std::uint64_t logins() const { return logins_; }
  std::uint64_t cancels() const { return cancels_; }
  void calm_down();
  void shut_down();  // for the end of a run: every session dies with 57P01

  // For backends.
  net::SimNetwork& network() { return network_; }
  net::SimRandom& random() { return random_; }
  Ledger& ledger() { return ledger_; }
  const ServerOptions& options() const { return options_; }
  bool strikes(ServerFault fault);
  void died_at(char message) { ++deaths_[death_step_of(message)]; }
  // A startup packet came: may it be served? Gives the SQLSTATE of the refusal, or nothing.
  std::string admit(const std::string& user, const std::string& database);
  void cancel_later(Duration delay, std::uint32_t pid, std::uint32_t key);
  void ended(SimBackend* backend);

 private:
  void incoming(net::SimSocket socket, const net::Address& peer, const net::Address&) override;
  void schedule_weather();
  void weather();
  void restart();
  bool counts(const SimBackend& backend) const;
  void check_limits(int count, const std::string& user, const std::string& database);
  void cancel(std::uint32_t pid, std::uint32_t key);
  SimBackend* random_backend();

  net::SimNetwork& network_;
  net::SimRandom random_;
  net::Address address_;
  ServerOptions options_;
  Ledger& ledger_;
  ServerFaultCounts fault_counts_{};
  DeathCounts deaths_{};
  std::map<std::uint32_t, std::unique_ptr<SimBackend>> backends_;  // by process id
  std::vector<std::unique_ptr<SimBackend>> dead_;
  std::uint32_t last_pid_ = 100;
  std::uint64_t logins_ = 0;
  std::uint64_t cancels_ = 0;
  int sessions_peak_ = 0;
  Instant starting_until_{0};
  bool weather_scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidegate::sim
