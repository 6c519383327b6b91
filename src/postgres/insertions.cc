#include "postgres/insertions.h"

#include <algorithm>
#include <charconv>

#include "postgres/message.h"

namespace tidegate::postgres {
namespace {

std::size_t count_letters(std::string_view text, bool utf8) {
  const auto begins_letter = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  if (!utf8) return text.size();
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_letter));
}

std::string joined(const std::vector<std::string>& commands) {
  std::string all;
  for (const auto& command : commands) all += command + ";";
  return all;
}

}  // namespace

std::string Insertions::insert(std::string_view text, sql::TextRules rules, bool utf8,
                               const std::vector<Restoration>& restorations) {
  std::string made;
  std::size_t taken = 0;
  std::size_t letters = 0;  // of `made`
  int inserted = 0;
  sql::StatementEnds ends(as_bytes(text), rules);
  for (const auto& restoration : restorations) {
    const auto end = ends.behind(restoration.statement);
    const auto own = text.substr(taken, end - taken);
    made += own;
    letters += count_letters(own, utf8);
    taken = std::min(end, text.size());
    // The last statement may end in a comment instead of a semicolon.
    const auto commands = (end > text.size() ? "\n;" : "") + joined(restoration.commands);
    const auto count = static_cast<int>(restoration.commands.size());
    all_.push_back(
        {restoration.statement + inserted, count, letters, count_letters(commands, utf8)});
    letters += all_.back().letters;
    inserted += count;
    made += commands;
  }
  return made += text.substr(taken);
}

bool Insertions::runs() const {
  return std::ranges::any_of(all_, [this](const Inserted& each) {
    return completed_ >= each.first && completed_ < each.first + each.count;
  });
}

std::size_t Insertions::original_position(std::size_t position) const {
  auto original = position;
  for (const auto& each : all_) {
    if (position > each.letters_before) original -= std::min(each.letters, original - 1);
  }
  return original;
}

bool write_repositioned(ByteBuffer& out, char type, Bytes body, const Insertions& insertions) {
  ByteReader reader(body);
  ByteBuffer fields;
  ByteWriter writer(fields);
  bool found = false;
  while (const auto name = reader.u8()) {
    const auto value = reader.cstring();
    std::size_t position = 0;
    const auto* end = value.data() + value.size();
    const auto number = std::from_chars(value.data(), end, position);
    const bool points = name == 'P' && number.ptr == end && position > 0;
    found |= points;
    const auto moved = points ? std::to_string(insertions.original_position(position)) : "";
    writer.u8(name).cstring(points ? std::string_view(moved) : value);
  }
  if (!found || !reader.finished()) return false;
  writer.u8(0);
  Message(out, type).bytes(fields);
  return true;
}

}  // namespace tidegate::postgres
