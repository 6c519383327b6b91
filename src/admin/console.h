// The console: the virtual databases `pgbouncer` and `tidegate`, one console per worker.
#pragma once

#include <map>
#include <string>

#include "admin/survey.h"
#include "session/conversation.h"

namespace tidegate::admin {

class Console final : public session::VirtualDatabase {
 public:
  using Done = std::move_only_function<void(session::ConsoleReply)>;

  Console(proxy::Process& process, proxy::Worker& worker) : process_(process), worker_(worker) {}

  void run(std::string_view user, std::string_view command, Done done) override;

 private:
  void show(const std::string& what, Done done);
  void show_pools(Done done);
  void show_stats(Done done);

  // Where the averages of SHOW STATS begin: taken anew when it is older than stats_period. Nothing
  // runs for it while nobody looks.
  struct Mark {
    Instant at;
    std::map<std::string, session::Traffic> traffic;
  };
  proxy::Process& process_;
  proxy::Worker& worker_;
  Mark mark_;
};

}  // namespace tidegate::admin
