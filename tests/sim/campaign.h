// Many runs, one after the other: what was found and how to see it again, and how often each fault,
// whim and habit came to pass over all of them.
#pragma once

#include <cstdint>
#include <string>

namespace tidegate::sim {

struct CampaignOptions {
  std::uint64_t seed = 1;  // the first
  std::uint64_t runs = 1;
  std::string seeds_file;  // instead: one seed per line
  std::string plant;       // a planted bug that must be found
  bool direct = false;     // no proxy: the simulation tests itself
  bool twice = false;      // every seed twice: both runs must be the same
  bool verbose = false;
  bool trace = false;
};

// The process's exit code.
int run_campaign(const CampaignOptions& options);

}  // namespace tidegate::sim
