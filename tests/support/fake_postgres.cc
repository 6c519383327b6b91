#include "../tests/support/fake_postgres.h"

#include <algorithm>
#include <cctype>

namespace tidegate::testing {
namespace {

constexpr std::uint32_t kTextType = 25;

std::string be32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string be16(std::uint32_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::uint32_t number(std::string_view bytes, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count && i < bytes.size(); ++i) {
    value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
  }
  return value;
}
std::string take_cstring(std::string_view& bytes) {
  const auto end = std::min(bytes.find('\0'), bytes.size());
  std::string text(bytes.substr(0, end));
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  return text;
}
std::string zero(std::string_view text) {
  return std::string(text) + '\0';
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Unquotes 'it''s', E'a\\b', "name" and "class"."name".
std::string unquote(std::string_view text) {
  text = trim(text);
  std::string result;
  const bool escaped = text.starts_with("E'");
  if (escaped) text.remove_prefix(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') continue;
    if (text[i] == '\'') {
      if (i > 0 && i + 1 < text.size() && text[i + 1] == '\'') result += text[++i];
      continue;
    }
    if (escaped && text[i] == '\\') ++i;
    result += text[i];
  }
  return result;
}

std::vector<std::string> split_statements(std::string_view text) {
  std::vector<std::string> statements(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '\'') quoted = !quoted;
    if (c == ';' && !quoted) {
      statements.emplace_back();
    } else {
      statements.back() += c;
    }
  }
  std::erase_if(statements, [](const std::string& each) { return trim(each).empty(); });
  return statements;
}

std::string first_word(std::string_view text) {
  return lower(text.substr(0, std::min(text.find(' '), text.size())));
}
std::string after_word(std::string_view text) {
  const auto at = text.find(' ');
  return at == std::string_view::npos ? std::string() : std::string(trim(text.substr(at)));
}

std::string canonical(const std::string& name, const std::string& value) {
  if (name == "client_encoding" && lower(value) == "utf-8") return "UTF8";
  if (name == "statement_timeout" && value == "5000") return "5s";
  return value;
}

bool ends_block(std::string_view text) {
  const auto word = first_word(text);
  return word == "commit" || word == "rollback";
}

bool returns_rows(std::string_view text) {
  const auto word = first_word(text);
  return word == "select" || word == "show" || word == "rows";
}

}  // namespace

FakePostgres::FakePostgres(FakeDatabase& database, std::uint32_t process_id)
    : database_(database), process_id_(process_id) {
  const auto add = [this](const char* name, const char* value, bool reported) {
    defaults_[lower(name)] = {name, value, reported};
  };
  add("application_name", "", true);
  add("client_encoding", "UTF8", true);
  add("DateStyle", "ISO, MDY", true);
  add("IntervalStyle", "postgres", true);
  add("TimeZone", "Etc/UTC", true);
  add("standard_conforming_strings", "on", true);
  add("server_version", "15.9", true);
  add("statement_timeout", "0", false);
  add("search_path", "\"$user\", public", false);
  if (!database.standby.empty()) add("in_hot_standby", database.standby.c_str(), true);
  settings_ = defaults_;
}

char FakePostgres::status() const {
  return !in_block_ ? 'I' : failed_ ? 'E' : 'T';
}

std::string FakePostgres::setting(std::string_view name) const {
  const auto at = settings_.find(lower(name));
  return at == settings_.end() ? std::string() : at->second.value;
}

std::string FakePostgres::take(std::string_view bytes) {
  in_ += bytes;
  while (!closed_) {
    const std::size_t head = started_ ? 5 : 4;
    if (in_.size() < head) break;
    const auto length = number(std::string_view(in_).substr(head - 4), 4);
    if (in_.size() < head - 4 + length) break;
    const auto type = started_ ? in_[0] : '\0';
    const std::string body = in_.substr(head, length - 4);
    in_.erase(0, head - 4 + length);
    if (started_) {
      seen_ += type;
      message(type, body);
    } else {
      startup(body);
    }
  }
  return std::exchange(out_, {});
}

void FakePostgres::startup(std::string_view body) {
  started_ = true;
  body.remove_prefix(std::min<std::size_t>(4, body.size()));
  while (!body.empty() && body.front() != '\0') {
    const auto name = lower(take_cstring(body));
    const auto value = take_cstring(body);
    if (name != "user" && name != "database") set(name, value);
  }
  defaults_ = settings_;
  write('R', be32(0));
  for (const auto& [name, setting] : settings_) {
    if (!setting.reported) continue;
    told_[name] = setting.value;
    write('S', zero(setting.spelling) + zero(setting.value));
  }
  write('K', be32(process_id_) + be32(process_id_ * 7));
  write('Z', std::string(1, status()));
  flush();
}

void FakePostgres::message(char type, std::string_view body) {
  if (copying_) {
    if (copy_message(type, body)) return;
  }
  switch (type) {
    case 'X':
      closed_ = true;
      return;
    case 'd':
    case 'c':
    case 'f':
      return;
    case 'H':
      return skipping_ ? void() : flush();
    case 'S':
      return sync();
    case 'Q':
      if (!skipping_) simple_query(body.substr(0, body.size() - 1));
      return;
    case 'F':
      if (!skipping_) function_call();
      return;
    default:
      break;
  }
  if (skipping_) return;
  if (const auto failure = extended(type, body)) {
    error(*failure);
    skipping_ = true;
  }
}

// --- Simple queries ---

void FakePostgres::simple_query(std::string_view text) {
  unnamed_.reset();
  portals_.erase("");
  const auto statements = split_statements(text);
  if (statements.empty()) write('I', "");
  Outcome failure;
  for (const auto& each : statements) {
    failure = run(trim(each), true);
    if (failure || closed_ || copying_) break;
  }
  if (closed_) return flush();
  if (failure) error(*failure);
  if (copying_) {
    copying_simple_ = true;
    return flush();
  }
  end_implicit(!failure);
  ready();
}

// Every function returns 9.
void FakePostgres::function_call() {
  open_implicit();
  const bool failed = failed_;
  if (failed) {
    error({"25P02", "current transaction is aborted", ""});
  } else {
    write('V', be32(1) + "9");
  }
  end_implicit(!failed);
  ready();
}

// --- The extended protocol ---

FakePostgres::Failure FakePostgres::stale() {
  return {"0A000", "cached plan must not change result type", "RevalidateCachedQuery"};
}

bool FakePostgres::is_stale(const Statement& statement) const {
  return statement.version != database_.version && first_word(statement.text) == "select";
}

FakePostgres::Outcome FakePostgres::extended(char type, std::string_view body) {
  switch (type) {
    case 'P':
      return parse(body);
    case 'B':
      return bind(body);
    case 'D':
      return describe(body);
    case 'E':
      return execute(body);
    case 'C':
      close(body);
      return {};
    default:
      return Failure{"08P01", "invalid frontend message type", ""};
  }
}

FakePostgres::Outcome FakePostgres::parse(std::string_view body) {
  const auto name = take_cstring(body);
  const auto text = take_cstring(body);
  open_implicit();
  if (name.empty()) unnamed_.reset();
  if (first_word(text) == "refused" || first_word(text) == "syntax") {
    return Failure{"42601", "syntax error at or near \"" + first_word(text) + "\"", ""};
  }
  if (failed_ && !ends_block(text)) {
    return Failure{"25P02", "current transaction is aborted", ""};
  }
  const Statement statement{text, database_.version};
  if (name.empty()) {
    unnamed_ = statement;
  } else if (!statements_.emplace(name, statement).second) {
    return Failure{"42P05", "prepared statement \"" + name + "\" already exists", ""};
  }
  write('1', "");
  return {};
}

FakePostgres::Outcome FakePostgres::bind(std::string_view body) {
  const auto portal = take_cstring(body);
  const auto name = take_cstring(body);
  open_implicit();
  const auto found = statements_.find(name);
  if (name.empty() ? !unnamed_ : found == statements_.end()) {
    const auto what =
        name.empty() ? "unnamed prepared statement" : "prepared statement \"" + name + "\"";
    return Failure{"26000", what + " does not exist", ""};
  }
  const auto statement = name.empty() ? *unnamed_ : found->second;
  if (failed_ && !ends_block(statement.text)) {
    return Failure{"25P02", "current transaction is aborted", ""};
  }
  if (is_stale(statement)) return stale();
  auto text = statement.text;
  const auto formats = 2 + 2 * std::size_t{number(body, 2)};
  if (body.size() < formats + 2) {
    return Failure{"08P01", "insufficient data left in message", ""};
  }
  body.remove_prefix(formats);
  if (const auto count = number(body, 2); count > 0) {
    const auto length = number(body.substr(2), 4);
    const auto at = text.find("$1");
    if (at != std::string::npos) text.replace(at, 2, body.substr(6, length));
  }
  if (!portal.empty() && portals_.contains(portal)) {
    return Failure{"42P03", "portal \"" + portal + "\" already exists", ""};
  }
  portals_[portal] = Portal{text, 0};
  write('2', "");
  return {};
}

FakePostgres::Outcome FakePostgres::describe(std::string_view body) {
  const char kind = body.empty() ? '\0' : body[0];
  body.remove_prefix(1);
  const auto name = take_cstring(body);
  open_implicit();
  std::string text;
  if (kind == 'S') {
    const auto found = statements_.find(name);
    if (name.empty() ? !unnamed_ : found == statements_.end()) {
      const auto what =
          name.empty() ? "unnamed prepared statement" : "prepared statement \"" + name + "\"";
      return Failure{"26000", what + " does not exist", ""};
    }
    text = name.empty() ? unnamed_->text : found->second.text;
  } else {
    const auto found = portals_.find(name);
    if (found == portals_.end())
      return Failure{"34000", "portal \"" + name + "\" does not exist", ""};
    text = found->second.text;
  }
  const bool refuses = database_.describes_when_failed ? returns_rows(text) : !ends_block(text);
  if (failed_ && refuses) return Failure{"25P02", "current transaction is aborted", ""};
  if (kind == 'S') {
    write('t', be16(0));
    if (is_stale(name.empty() ? *unnamed_ : statements_.find(name)->second)) return stale();
  }
  if (returns_rows(text)) {
    const auto type = kTextType + static_cast<std::uint32_t>(database_.version);
    write('T', be16(1) + zero("c") + be32(0) + be16(0) + be32(type) + be16(0xffff) +
                   be32(0xffffffff) + be16(0));
  } else {
    write('n', "");
  }
  return {};
}

FakePostgres::Outcome FakePostgres::execute(std::string_view body) {
  const auto name = take_cstring(body);
  const auto limit = number(body, 4);
  open_implicit();
  const auto found = portals_.find(name);
  if (found == portals_.end())
    return Failure{"34000", "portal \"" + name + "\" does not exist", ""};
  const auto text = found->second.text;
  if (failed_ && !ends_block(text)) return Failure{"25P02", "current transaction is aborted", ""};
  if (trim(text).empty()) {
    write('I', "");
    return {};
  }
  if (limit == 1 && found->second.rows_sent == 0 && first_word(text) == "select") {
    found->second.rows_sent = 1;
    write('D',
          be16(1) + be32(static_cast<std::uint32_t>(after_word(text).size())) + after_word(text));
    write('s', "");
    return {};
  }
  const auto failure = run(trim(text), false);
  if (copying_) flush();
  return failure;
}

void FakePostgres::close(std::string_view body) {
  const char kind = body.empty() ? '\0' : body[0];
  body.remove_prefix(1);
  const auto name = take_cstring(body);
  if (kind == 'S') {
    if (name.empty()) unnamed_.reset();
    statements_.erase(name);
  } else {
    portals_.erase(name);
  }
  write('3', "");
}

void FakePostgres::sync() {
  const bool failed = std::exchange(skipping_, false);
  end_implicit(!failed);
  ready();
}

// --- COPY ---

FakePostgres::Outcome FakePostgres::begin_copy_in() {
  write('G', std::string(1, '\0') + be16(1) + be16(0));
  copying_ = true;
  copying_simple_ = false;
  copied_ = 0;
  return {};
}

// While copying, Sync and Flush are swallowed. False: the COPY has failed, and the message is
// read as usual.
bool FakePostgres::copy_message(char type, std::string_view body) {
  if (type == 'H' || type == 'S') return true;
  if (type == 'd' && body != "bad") {
    ++copied_;
    return true;
  }
  copying_ = false;
  const bool done = type == 'c';
  if (done) {
    write('C', zero("COPY " + std::to_string(copied_)));
  } else {
    error({type == 'f' ? "57014" : "22P02", "COPY failed", ""});
    skipping_ = !copying_simple_;
  }
  if (copying_simple_) {
    end_implicit(done);
    ready();
  }
  return true;
}

void FakePostgres::copy_out() {
  write('H', std::string(1, '\0') + be16(1) + be16(0));
  write('d', "one\n");
  write('d', "two\n");
  write('c', "");
  write('C', zero("COPY 2"));
}

// --- Commands ---

FakePostgres::Outcome FakePostgres::run(std::string_view text, bool simple) {
  const auto word = first_word(text);
  open_implicit();
  if (word == "refused" || word == "syntax") {
    return Failure{"42601", "syntax error at or near \"" + word + "\"", ""};
  }
  if (failed_ && !ends_block(text)) return Failure{"25P02", "current transaction is aborted", ""};
  if (database_.unlock_denied && text.find("unlock_all") != std::string_view::npos) {
    return Failure{"42501", "permission denied for function pg_advisory_unlock_all", ""};
  }
  if (text.starts_with("SELECT 'setting'") || text.starts_with("SELECT 'prepared'") ||
      text.starts_with("SELECT 'held'")) {
    return run_inquiry(text), Outcome{};
  }
  hold(lower(text));
  if (text.find("set_config(") != std::string_view::npos) return run_set_config(text, simple);
  if (word == "select") return row(after_word(text), simple), Outcome{};
  if (word == "show") return row(setting(after_word(text)), simple, "SHOW"), Outcome{};
  if (word == "rows") {
    std::string all;
    for (const auto& each : database_.rows) all += each + ",";
    for (const auto& each : added_) all += each + ",";
    return row(all, simple), Outcome{};
  }
  if (word == "insert") {
    added_.push_back(after_word(text));
    return write('C', zero("INSERT 0 1")), Outcome{};
  }
  if (word == "begin" || ends_block(text)) return run_transaction(word);
  if (word == "copy") {
    if (after_word(text) == "in") return begin_copy_in();
    return copy_out(), Outcome{};
  }
  if (word == "notice") {
    write('N', zero("SNOTICE") + zero("VNOTICE") + zero("C00000") + zero("Mhello") + '\0');
    return write('C', zero("DO")), Outcome{};
  }
  if (word == "retype") {
    ++database_.version;
    return write('C', zero("ALTER TABLE")), Outcome{};
  }
  if (word == "die") {
    error({"57P01", "terminating connection " + after_word(text), ""}, "FATAL");
    closed_ = true;
    return {};
  }
  if (word == "fail") return Failure{"22012", "division by zero " + after_word(text), ""};
  return run_setting(word, text);
}

FakePostgres::Outcome FakePostgres::run_transaction(std::string_view word) {
  if (word == "begin") {
    in_block_ = true;
    return write('C', zero("BEGIN")), Outcome{};
  }
  const bool commit = word == "commit" && !failed_;
  end_block(commit);
  write('C', zero(commit ? "COMMIT" : "ROLLBACK"));
  return {};
}

FakePostgres::Outcome FakePostgres::run_setting(std::string_view word, std::string_view text) {
  if (word == "discard") {
    if (lower(text) != "discard all") return write('C', zero("DISCARD")), Outcome{};
    if (in_block_) return Failure{"25001", "DISCARD ALL cannot run inside a transaction block", ""};
    discard_all();
    return write('C', zero("DISCARD ALL")), Outcome{};
  }
  if (word == "deallocate") {
    const auto name = unquote(after_word(text));
    if (lower(name) == "all") {
      statements_.clear();
      return write('C', zero("DEALLOCATE ALL")), Outcome{};
    }
    if (statements_.erase(name) == 0) {
      return Failure{"26000", "prepared statement \"" + name + "\" does not exist", ""};
    }
    return write('C', zero("DEALLOCATE")), Outcome{};
  }
  if (word == "reset") {
    reset(lower(unquote(after_word(text))));
    return write('C', zero("RESET")), Outcome{};
  }
  if (lower(text) == "do deallocate all") {
    statements_.clear();
    return write('C', zero("DO")), Outcome{};
  }
  if (word == "set" || word == "do") return run_set(text);
  constexpr std::string_view kDone[] = {"listen",  "prepare", "lock",     "create",
                                        "declare", "load",    "unlisten", "close"};
  if (std::ranges::find(kDone, word) != std::end(kDone)) {
    if (word == "prepare") return prepare(text);
    return write('C', zero("DONE")), Outcome{};
  }
  return Failure{"42601", "syntax error at or near \"" + std::string(word) + "\"", ""};
}

FakePostgres::Outcome FakePostgres::prepare(std::string_view text) {
  const auto name = first_word(after_word(text));
  if (statements_.contains(name)) {
    return Failure{"42P05", "prepared statement \"" + name + "\" already exists", ""};
  }
  statements_[name] = {.text = "select prepared", .sql = std::string(text)};
  return write('C', zero("PREPARE")), Outcome{};
}

// What stays with the session. `text` in lower case.
void FakePostgres::hold(std::string_view text) {
  const auto has = [text](std::string_view part) { return text.find(part) != text.npos; };
  if (has("advisory_lock")) held_.insert("advisory lock");
  if (has("temp ") || has("pg_temp.")) held_.insert("temporary table");
  if (has("with hold")) held_.insert("cursor with hold");
  if (has("advisory_unlock")) held_.erase("advisory lock");
  if (text.starts_with("drop")) held_.erase("temporary table");
  if (text.starts_with("close")) held_.erase("cursor with hold");
}

// SET name = value, SET name TO value, SET ROLE value.
FakePostgres::Outcome FakePostgres::run_set(std::string_view text) {
  const auto rest = after_word(text);
  if (first_word(rest) == "role") {
    settings_["role"] = {"role", after_word(rest)};
    return write('C', zero("SET")), Outcome{};
  }
  const auto to = lower(rest).find(" to ");
  const auto at = std::min(to, rest.find('='));
  if (at == std::string::npos) return Failure{"42601", "syntax error at end of input", ""};
  const auto name = lower(unquote(rest.substr(0, at)));
  const auto value = trim(std::string_view(rest).substr(at + (at == to ? 4 : 1)));
  if (lower(value) == "default") {
    reset(name);
  } else if (auto failure = set(name, unquote(value))) {
    return failure;
  }
  return write('C', zero("SET")), Outcome{};
}

void FakePostgres::reset(const std::string& name) {
  if (name == "all") {
    settings_ = defaults_;
  } else if (defaults_.contains(name)) {
    settings_[name] = defaults_[name];
  } else {
    settings_.erase(name);
  }
}

FakePostgres::Outcome FakePostgres::run_set_config(std::string_view text, bool simple) {
  std::vector<std::string> values;
  for (auto at = text.find("set_config("); at != std::string_view::npos;
       at = text.find("set_config(", at + 1)) {
    const auto begin = at + 11;
    const auto comma = text.find("', ", begin);
    const auto end = text.find(", false)", comma);
    const auto name = lower(unquote(text.substr(begin, comma + 1 - begin)));
    if (auto failure = set(name, unquote(text.substr(comma + 3, end - comma - 3)))) return failure;
    values.push_back(setting(name));
  }
  if (simple) {
    std::string columns = be16(static_cast<std::uint32_t>(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      columns += zero("set_config") + be32(0) + be16(0) + be32(25) + be16(0xffff) +
                 be32(0xffffffff) + be16(0);
    }
    write('T', columns);
  }
  std::string data = be16(static_cast<std::uint32_t>(values.size()));
  for (const auto& value : values) data += be32(static_cast<std::uint32_t>(value.size())) + value;
  write('D', data);
  write('C', zero("SELECT 1"));
  return {};
}

// Rows of kind, name and value: the settings that are not what they were at the login (their values
// in hexadecimal), the statements of SQL, what is held.
void FakePostgres::run_inquiry(std::string_view text) {
  const auto tell = [this](std::initializer_list<std::string_view> fields) {
    std::string row = be16(static_cast<std::uint32_t>(fields.size()));
    for (const auto field : fields) {
      row += be32(static_cast<std::uint32_t>(field.size())) + std::string(field);
    }
    write('D', row);
  };
  const bool all = text.find("FULL JOIN") != std::string_view::npos;
  write('T', be16(0));
  for (const auto& [name, setting] : settings_) {
    const auto at = defaults_.find(name);
    const bool is_set = at == defaults_.end() || at->second.value != setting.value;
    if (!is_set || !(all || text.find("('" + name + "')") != std::string_view::npos)) continue;
    std::string value;
    for (const char c : setting.value) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      (value += kDigits[byte >> 4]) += kDigits[byte & 15];
    }
    tell({"setting", name, value});
  }
  if (text.find("pg_prepared_statements") != std::string_view::npos) {
    for (const auto& [name, statement] : statements_) {
      if (!statement.sql.empty()) tell({"prepared", name, statement.sql});
    }
  }
  if (text.find("pg_locks") != std::string_view::npos) {
    for (const auto& what : held_) tell({"held", what, ""});
  }
  write('C', zero("SELECT 1"));
}

FakePostgres::Outcome FakePostgres::set(std::string name, std::string value) {
  if (!settings_.contains(name) && name.find('.') == std::string::npos && name != "role") {
    return Failure{"42704", "unrecognized configuration parameter \"" + name + "\"", ""};
  }
  if (value == "nonsense") {
    return Failure{"22023", "invalid value for parameter \"" + name + "\": \"nonsense\"", ""};
  }
  auto& setting = settings_[name];
  if (setting.spelling.empty()) setting.spelling = name;
  // Without an order it keeps the one that it has.
  if (name == "datestyle" && lower(value) == "iso") {
    value = "ISO" + setting.value.substr(std::min(setting.value.find(','), setting.value.size()));
  }
  setting.value = canonical(name, value);
  return {};
}

void FakePostgres::row(std::string_view value, bool simple, std::string_view tag) {
  if (simple) {
    write('T', be16(1) + zero("c") + be32(0) + be16(0) + be32(25) + be16(0xffff) +
                   be32(0xffffffff) + be16(0));
  }
  write('D', be16(1) + be32(static_cast<std::uint32_t>(value.size())) + std::string(value));
  write('C', zero(tag));
}

// --- Transactions ---

void FakePostgres::open_implicit() {
  if (!in_block_ && !implicit_open_) at_begin_ = settings_;
  implicit_open_ = true;
}

void FakePostgres::end_block(bool commit) {
  if (commit) {
    database_.rows.insert(database_.rows.end(), added_.begin(), added_.end());
  } else if (in_block_ || implicit_open_) {
    settings_ = at_begin_;
  }
  added_.clear();
  portals_.clear();
  in_block_ = false;
  failed_ = false;
  implicit_open_ = false;
}

void FakePostgres::end_implicit(bool commit) {
  if (in_block_) {
    implicit_open_ = false;
    failed_ |= !commit;
    return;
  }
  end_block(commit);
}

void FakePostgres::discard_all() {
  held_.clear();
  settings_ = defaults_;
  statements_.clear();
  portals_.clear();
}

void FakePostgres::ready() {
  report_settings();
  write('Z', std::string(1, status()));
  flush();
}

void FakePostgres::report_settings() {
  if (const auto at = settings_.find("in_hot_standby"); at != settings_.end()) {
    at->second.value = database_.standby;
  }
  for (const auto& [name, setting] : settings_) {
    if (!setting.reported || told_[name] == setting.value) continue;
    told_[name] = setting.value;
    write('S', zero(setting.spelling) + zero(setting.value));
  }
}

void FakePostgres::error(const Failure& failure, std::string_view severity) {
  if (in_block_) failed_ = true;
  const auto level = std::string(severity);
  write('E', zero("S" + level) + zero("V" + level) + zero("C" + failure.sqlstate) +
                 zero("M" + failure.message) +
                 (failure.routine.empty() ? std::string() : zero("R" + failure.routine)) + '\0');
  flush();
}

void FakePostgres::write(char type, std::string_view body) {
  buffered_ += type + be32(static_cast<std::uint32_t>(body.size() + 4));
  buffered_ += body;
}

void FakePostgres::flush() {
  out_ += buffered_;
  buffered_.clear();
}

}  // namespace tidegate::testing
