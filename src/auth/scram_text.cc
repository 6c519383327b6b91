#include "auth/scram_text.h"

#include <algorithm>

namespace tidegate::auth {
namespace {

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

std::optional<AttributeReader::Attribute> AttributeReader::any() {
  if (rest_.size() < 2 || !is_letter(rest_[0]) || rest_[1] != '=') return std::nullopt;
  const auto end = std::min(rest_.find(','), rest_.size());
  const Attribute attribute{rest_[0], rest_.substr(2, end - 2), consumed_};
  const auto next = std::min(end + 1, rest_.size());
  consumed_ += next;
  rest_.remove_prefix(next);
  return attribute;
}

std::optional<std::string_view> AttributeReader::value_of(char name) {
  const auto attribute = any();
  if (!attribute || attribute->name != name) return std::nullopt;
  return attribute->value;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

std::string auth_message(std::string_view client_first_bare, std::string_view server_first,
                         std::string_view client_final_without_proof) {
  std::string message(client_first_bare);
  message += ',';
  message += server_first;
  message += ',';
  message += client_final_without_proof;
  return message;
}

}  // namespace tidegate::auth
