#include "sim/ledger.h"

#include <cstdlib>

namespace tidegate::sim {

namespace {
constexpr std::size_t kFindingsMax = 20;
}

std::string make_tag(int client, int connection, long number) {
  return "tag:" + std::to_string(client) + "." + std::to_string(connection) + ":" +
         std::to_string(number);
}

void Ledger::executed(const std::string& tag) {
  const auto colon = tag.rfind(':');
  if (!tag.starts_with("tag:") || tag.starts_with("tag:shared:") || colon <= 4) return;
  if (++executions_[tag] > 1) finding("executed twice: " + tag);
  const auto connection = tag.substr(4, colon - 4);
  const long number = std::strtol(tag.c_str() + colon + 1, nullptr, 10);
  auto& last = last_number_[connection];
  if (number < last) finding("executed out of order: " + tag + " after " + std::to_string(last));
  last = number;
}

void Ledger::finding(std::string text) {
  if (findings_.size() < kFindingsMax) findings_.push_back(std::move(text));
}

void Ledger::close() {
  for (const auto& [name, mark] : marks_) {
    if (mark.committed > 1) finding("committed twice: " + name);
    if (mark.promised && mark.committed == 0) finding("confirmed, but not committed: " + name);
    if (mark.committed > 0 && !mark.promised && !mark.uncertain) {
      finding("committed, but the client was told otherwise: " + name);
    }
  }
}

}  // namespace tidegate::sim
