#include "config/units.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>

#include <fmt/format.h>

namespace tidegate::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::int64_t kSecond = 1'000'000'000;

// Ascending; of several names for one size the first is printed.
constexpr Unit kDurations[] = {{"ns", 1},
                               {"us", 1'000},
                               {"ms", 1'000'000},
                               {"s", kSecond},
                               {"min", 60 * kSecond},
                               {"m", 60 * kSecond},
                               {"h", 3600 * kSecond},
                               {"d", 86400 * kSecond}};

constexpr Unit kSizes[] = {{"B", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}};

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const auto& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// number, spaces, unit. Whole numbers are exact; "1.5h" goes through a double.
std::optional<std::int64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                           std::int64_t bare_size) {
  const auto number = text.substr(0, text.find_first_not_of("0123456789."));
  auto unit_name = text.substr(number.size());
  while (unit_name.starts_with(' ')) unit_name.remove_prefix(1);
  const Unit* unit = unit_name.empty() ? nullptr : find_unit(units, unit_name);
  if (unit == nullptr && !unit_name.empty()) return std::nullopt;
  const std::int64_t size = unit == nullptr ? bare_size : unit->size;

  if (const auto whole = parse_integer(number)) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(*whole, size, &product)) return std::nullopt;
    return product;
  }
  double fraction = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), fraction);
  if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  const double product = std::round(fraction * static_cast<double>(size));
  // 2^63 is the first double that does not fit.
  if (!(product < 9223372036854775808.0)) return std::nullopt;
  return static_cast<std::int64_t>(product);
}

std::string print_quantity(std::int64_t value, std::span<const Unit> units, const Unit& zero) {
  const Unit* best = &units.front();
  for (const auto& unit : units) {
    if (value % unit.size == 0 && unit.size > best->size) best = &unit;
  }
  if (value == 0) best = &zero;
  return fmt::format("{}{}", value / best->size, best->name);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto ns = parse_quantity(text, kDurations, kSecond);
  if (!ns) return std::nullopt;
  return Duration{*ns};
}

std::string print_duration(Duration duration) {
  return print_quantity(duration.count(), kDurations, *find_unit(kDurations, "s"));
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const auto bytes = parse_quantity(text, kSizes, 1);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::string print_bytes(std::uint64_t bytes) {
  return print_quantity(static_cast<std::int64_t>(bytes), kSizes, kSizes[0]);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace tidegate::config
