#include "config/nearest.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::config {
namespace {

// Longer words are nobody's misspelling of a setting, and the table below is quadratic.
constexpr std::size_t kWordBytesMax = 64;

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  // Row i holds the distances between the first i letters of `a` and every beginning of `b`;
  // three rows are enough, because a swap looks back two letters.
  std::vector<int> two_back(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(two_back, previous);
    std::swap(previous, row);
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, previous[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > kWordBytesMax) return {};
  std::string_view best;
  int best_distance = 0;
  for (const auto candidate : known) {
    const int distance = edit_distance(word, candidate);
    const int allowed = std::max(1, static_cast<int>(candidate.size()) / 3);
    if (distance > allowed) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const auto guess = nearest(word, known);
  return guess.empty() ? "" : fmt::format(": did you mean `{}`?", guess);
}

}  // namespace tidegate::config
