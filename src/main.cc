#include "cli/main_cli.h"

int main(int argc, char** argv) {
  return tidegate::cli::run_cli(argc, argv);
}
