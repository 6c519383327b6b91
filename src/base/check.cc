#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tidegate {
namespace {
LastWords g_last_words = nullptr;
}

void set_last_words(LastWords last_words) {
  g_last_words = last_words;
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "tidegate: invariant broken: %s (%s:%d)\n", expression, file, line);
  if (g_last_words != nullptr) g_last_words();
  std::abort();
}

}  // namespace tidegate
