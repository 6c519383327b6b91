#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tidegate {
namespace {
LastWords g_last_words = nullptr;
const void* g_context = nullptr;
}  // namespace

void set_last_words(LastWords last_words, const void* context) {
  g_last_words = last_words;
  g_context = context;
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "tidegate: invariant broken: %s (%s:%d)\n", expression, file, line);
  // Taken back first: a check that fails in there must not come here again.
  if (const auto last_words = std::exchange(g_last_words, nullptr)) last_words(g_context);
  std::abort();
}

}  // namespace tidegate
