// The console: the virtual databases `pgbouncer` and `tidegate`, one console per worker.
#pragma once

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
  void select(const std::vector<std::string>& words, Done done);
  void show_pools(Done done);
  void show_stats(const std::string& what, Done done);

  proxy::Process& process_;
  proxy::Worker& worker_;
};

}  // namespace tidegate::admin
