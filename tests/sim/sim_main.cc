// tidegate_sim: runs seeds of the simulator and says what it found.
//
//   tidegate_sim [--seed N] [--runs M] [--direct] [--twice] [--verbose] [--trace] [--plant NAME]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/campaign.h"

int main(int argc, char** argv) {
  tidegate::sim::CampaignOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (flag == "--direct")
      options.direct = true;
    else if (flag == "--twice")
      options.twice = true;
    else if (flag == "--verbose")
      options.verbose = true;
    else if (flag == "--trace")
      options.trace = true;
    else if (flag == "--seed" && value != nullptr)
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    else if (flag == "--runs" && value != nullptr)
      options.runs = std::strtoull(argv[++i], nullptr, 10);
    else if (flag == "--seeds" && value != nullptr)
      options.seeds_file = argv[++i];
    else if (flag == "--plant" && value != nullptr)
      options.plant = argv[++i];
    else {
      std::fprintf(stderr,
                   "usage: tidegate_sim [--seed N] [--runs M] [--seeds FILE] [--plant NAME]\n"
                   "                    [--direct] [--twice] [--verbose] [--trace]\n");
      return 2;
    }
  }
  return tidegate::sim::run_campaign(options);
}
