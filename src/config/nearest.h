// "Did you mean": which of the words that are known was probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::config {

// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
int edit_distance(std::string_view a, std::string_view b);

// The nearest known word, or nothing when none is near (more than a third of its letters differ).
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

// ": did you mean `pool_size`?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace tidegate::config
