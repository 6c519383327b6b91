#include "sql/postgres_keywords.h"

namespace tidegate::sql {
namespace {

struct Listed {
  std::string_view word;
  Keyword keyword;
};

using enum Keyword;
constexpr Listed kListed[] = {
    {"abort", abort},
    {"alter", alter_or_drop},
    {"begin", begin},
    {"call", call},
    {"close", close},
    {"commit", commit},
    {"create", create},
    {"deallocate", deallocate},
    {"declare", declare},
    {"discard", discard},
    {"do", do_},
    {"drop", alter_or_drop},
    {"import", alter_or_drop},
    {"end", end},
    {"execute", execute},
    {"explain", explain},
    {"listen", listen},
    {"load", load},
    {"notify", notify},
    {"prepare", prepare},
    {"reset", reset},
    {"rollback", rollback},
    {"set", set},
    {"start", start},
    {"unlisten", unlisten},

    {"all", all},
    {"analyse", analyze},
    {"analyze", analyze},
    {"and", and_},
    {"as", as},
    {"atomic", atomic},
    {"authorization", authorization},
    {"case", case_},
    {"chain", chain},
    {"characteristics", characteristics},
    {"constraints", constraints},
    {"default", default_},
    {"deferrable", deferrable},
    {"for", for_},
    {"from", from},
    {"function", routine},
    {"global", global},
    {"hold", hold},
    {"insert", insert_or_merge},
    {"into", into},
    {"isolation", isolation},
    {"local", local},
    {"merge", insert_or_merge},
    {"names", names},
    {"no", no},
    {"only", only_or_write},
    {"or", or_},
    {"prepared", prepared},
    {"procedure", routine},
    {"replace", replace},
    {"role", role},
    {"schema", schema},
    {"session", session},
    {"table", table},
    {"temp", temp},
    {"temporary", temp},
    {"time", time},
    {"to", to},
    {"transaction", transaction},
    {"true", true_},
    {"uescape", uescape},
    {"unlogged", unlogged},
    {"update", update},
    {"verbose", verbose},
    {"with", with},
    {"write", only_or_write},
    {"xml", xml},
    {"zone", zone},

    {"pg_settings", pg_settings},

    {"pg_advisory_lock", advisory_lock_function},
    {"pg_advisory_lock_shared", advisory_lock_function},
    {"pg_try_advisory_lock", advisory_lock_function},
    {"pg_try_advisory_lock_shared", advisory_lock_function},
    {"pg_advisory_unlock", advisory_unlock_function},
    {"pg_advisory_unlock_all", advisory_unlock_function},
    {"pg_advisory_unlock_shared", advisory_unlock_function},
    {"pg_notify", notify_function},
    // These run the query that a string holds.
    {"query_to_xml", opaque_function},
    {"query_to_xml_and_xmlschema", opaque_function},
    {"query_to_xmlschema", opaque_function},
    {"ts_rewrite", opaque_function},
    {"ts_stat", opaque_function},
    // Connections to elsewhere, a backup, a temporary slot and a replication origin last as long as
    // the session.
    {"dblink_connect", session_function},
    {"dblink_connect_u", session_function},
    {"pg_backup_start", session_function},
    {"pg_copy_logical_replication_slot", session_function},
    {"pg_copy_physical_replication_slot", session_function},
    {"pg_create_logical_replication_slot", session_function},
    {"pg_create_physical_replication_slot", session_function},
    {"pg_replication_origin_session_setup", session_function},
    {"pg_start_backup", session_function},
    {"set_config", set_config_function},
    {"setseed", setseed_function},
};

static_assert(std::size(kListed) * 16 <= kKeywordSlots);

bool same_word(std::string_view word, std::string_view listed) {
  if (word.size() != listed.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (ascii_lower(word[i]) != listed[i]) return false;
  }
  return true;
}

}  // namespace

constexpr std::array<std::uint8_t, kKeywordSlots> kKeywordSlot = [] {
  std::array<std::uint8_t, kKeywordSlots> slots{};
  for (std::size_t i = 0; i < std::size(kListed); ++i) {
    auto slot = first_keyword_slot(kListed[i].word);
    while (slots[slot] != 0) slot = (slot + 1) % kKeywordSlots;
    slots[slot] = static_cast<std::uint8_t>(i + 1);
  }
  return slots;
}();

Keyword match_keyword(std::string_view word, std::size_t slot) {
  for (; kKeywordSlot[slot] != 0; slot = (slot + 1) % kKeywordSlots) {
    const auto& listed = kListed[kKeywordSlot[slot] - 1];
    if (same_word(word, listed.word)) return listed.keyword;
  }
  return none;
}

}  // namespace tidegate::sql
