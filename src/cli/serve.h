// The main job: listen, pool, and leave when told to.
#pragma once

#include <string>
#include <vector>

namespace tidegate::cli {

// What the command line says about it. Where something is empty the configuration decides.
struct ServeOptions {
  std::string config_file;
  std::string upstream_url;  // used when there is no config_file
  std::vector<std::string> listen;
  int workers = 0;
  std::string log_level;
  bool log_json = false;
  bool check_only = false;  // read the configuration, report, and leave
  std::string ready_file;   // written when clients can connect
};

// Returns the exit code of the process.
int serve(const ServeOptions& options);

}  // namespace tidegate::cli
