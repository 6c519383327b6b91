#include "sim/workload.h"

#include <numeric>

#include "sim/ledger.h"

namespace tidegate::sim {

namespace {

constexpr int kNamesMax = 4;     // prepared statements of one client
constexpr int kSharedTexts = 6;  // few, so that clients share them on servers
constexpr int kBigRowsMax = 800;
constexpr std::int64_t kBigValueBytesMax = 150'000;

Message sync() {
  return {'S', {}};
}

Exchange exchange(Messages messages) {
  Exchange made;
  made.messages = std::move(messages);
  return made;
}

Exchange ask(std::string_view sql) {
  return exchange({query(sql)});
}

}  // namespace

HabitWeights draw_habits(net::SimRandom& random) {
  HabitWeights weights{};
  for (auto& weight : weights) {
    weight = random.one_in(3) ? 0 : static_cast<std::uint16_t>(random.between(1, 20));
  }
  auto rare = [&](Habit habit) {
    auto& weight = weights[static_cast<std::size_t>(habit)];
    weight = random.one_in(3) && weight > 0 ? 1 : 0;
  };
  rare(Habit::big_value);
  rare(Habit::big_result);
  weights[static_cast<std::size_t>(Habit::forbidden)] = 1;
  weights[static_cast<std::size_t>(Habit::effect)] += 5;
  return weights;
}

Workload::Workload(int client, net::SimRandom random, const HabitWeights& weights,
                   HabitCounts& counts, bool transactions)
    : client_(client),
      random_(random),
      weights_(weights),
      counts_(counts),
      transactions_(transactions),
      weight_total_(0) {
  if (transactions_)
    weights_[static_cast<std::size_t>(Habit::forbidden)] = 0;
  else
    weights_[static_cast<std::size_t>(Habit::transaction)] = 0;
  weight_total_ = std::accumulate(weights_.begin(), weights_.end(), std::uint64_t{0});
}

void Workload::next(std::deque<Exchange>& out) {
  static constexpr Maker kMakers[kHabits] = {
      &Workload::simple,   &Workload::effect,   &Workload::transaction,     &Workload::extended,
      &Workload::prepared, &Workload::pipeline, &Workload::flush,           &Workload::portal,
      &Workload::batch,    &Workload::setting,  &Workload::private_setting, &Workload::sql_prepare,
      &Workload::copy_in,  &Workload::copy_out, &Workload::big_result,      &Workload::big_value,
      &Workload::sleep,    &Workload::odd,      &Workload::forbidden,
  };
  auto left = random_.below(weight_total_);
  std::size_t habit = 0;
  while (left >= weights_[habit]) left -= weights_[habit++];
  ++counts_[habit];
  (this->*kMakers[habit])(out);
  out.back().ends_work = true;
}

Exchange Workload::last_words() {
  return ask("INSERT INTO effects VALUES (" + quoted_tag() + ")");
}

void Workload::connection_began() {
  ++connection_;
  forget_names();
}

void Workload::forget_names() {
  names_used_ = sql_names_ = 0;
}

std::string Workload::tag() {
  return make_tag(client_, connection_, ++number_);
}

// --- Simple queries ---

std::string Workload::statement_text() {
  switch (random_.below(12)) {
    case 0:
      return "SELECT 1/0, " + quoted_tag();
    case 1:
      return setting_text();
    case 2:
      return "SHOW TimeZone";
    case 3:
    case 4:
    case 5:
    case 6:
      return "INSERT INTO effects VALUES (" + quoted_tag() + ")";
    default:
      return "SELECT " + quoted_tag();
  }
}

void Workload::simple(std::deque<Exchange>& out) {
  out.push_back(ask("SELECT " + quoted_tag()));
}

void Workload::effect(std::deque<Exchange>& out) {
  out.push_back(last_words());
}

void Workload::transaction(std::deque<Exchange>& out) {
  out.push_back(
      ask(random_.one_in(2) ? "BEGIN" : "START TRANSACTION ISOLATION LEVEL SERIALIZABLE"));
  for (auto left = random_.between(1, 4); left > 0; --left) {
    if (random_.one_in(5))
      extended(out);
    else if (random_.one_in(8))
      portal(out);
    else
      out.push_back(ask(statement_text()));
  }
  out.push_back(ask(random_.one_in(4) ? "ROLLBACK" : "COMMIT"));
}

void Workload::forbidden(std::deque<Exchange>& out) {
  if (random_.one_in(2)) {
    out.push_back(
        ask(random_.one_in(2) ? "BEGIN" : "START TRANSACTION ISOLATION LEVEL SERIALIZABLE"));
  } else {
    out.push_back(exchange({parse("", "BEGIN"), bind("", "", {}), execute("", 0), sync()}));
  }
  out.back().forbidden = true;
}

std::string Workload::batch_text() {
  std::string text;
  for (auto left = random_.between(2, 4); left > 0; --left) text += statement_text() + "; ";
  return text;
}

void Workload::batch(std::deque<Exchange>& out) {
  if (begins_one_in(4)) {
    out.push_back(ask("BEGIN; " + batch_text()));
    out.push_back(ask(batch_text() + "COMMIT"));
    out.push_back(ask("ROLLBACK"));
  } else if (random_.one_in(6)) {
    out.push_back(ask("SELEC " + quoted_tag() + "; " + batch_text()));
  } else {
    out.push_back(ask(batch_text()));
  }
}

std::string Workload::setting_text() {
  static constexpr std::string_view kTexts[] = {
      "SET TimeZone TO 'Europe/Berlin'",
      "SET timezone = 'Asia/Tokyo'",
      "SET TimeZone TO 'Etc/UTC'",
      "SET DateStyle TO 'German'",
      "SET DateStyle = 'iso'",
      "SET IntervalStyle TO iso_8601",
      "SET client_encoding TO 'latin1'",
      "SET client_encoding = 'utf-8'",
      "SET application_name TO 'it''s me'",
      "SET TimeZone TO 'Nowhere/Land'",
      "RESET TimeZone",
      "RESET DateStyle",
      "SET TimeZone TO DEFAULT",
      "RESET application_name",
      "RESET client_encoding",
      "RESET ALL",
      "SET SESSION IntervalStyle TO 'postgres'",
  };
  return std::string(kTexts[random_.below(std::size(kTexts))]);
}

void Workload::setting(std::deque<Exchange>& out) {
  if (begins_one_in(3)) {
    out.push_back(ask("BEGIN"));
    out.push_back(ask(random_.one_in(2) ? "SET LOCAL TimeZone TO 'America/Lima'" : setting_text()));
    out.push_back(ask("SELECT " + quoted_tag()));
    out.push_back(ask(random_.one_in(2) ? "ROLLBACK" : "COMMIT"));
  } else {
    out.push_back(ask(setting_text()));
  }
  out.push_back(ask("SELECT " + quoted_tag()));
}

// Of what PostgreSQL does not report.
std::string Workload::private_setting_text() {
  const auto number = std::to_string(random_.between(1000, 9000));
  switch (random_.below(8)) {
    case 0:
      return "RESET lock_timeout";
    case 1:
      return "RESET statement_timeout";
    case 2:
      return "SET extra_float_digits TO '" + std::to_string(random_.between(0, 3)) + "'";
    case 3:
      return "SELECT set_config('search_path', 'schema" + number + "', false)";
    case 4:
      return "SET LOCAL lock_timeout TO '" + number + "'";
    case 5:
      return "SET lock_timeout TO '" + number + "'";
    default:
      return "SET statement_timeout TO '" + number + "'";
  }
}

void Workload::private_setting(std::deque<Exchange>& out) {
  const bool inside = begins_one_in(3);
  if (inside) out.push_back(ask("BEGIN"));
  out.push_back(ask(private_setting_text()));
  if (random_.one_in(2)) out.push_back(ask(random_.one_in(3) ? "RESET ALL" : statement_text()));
  if (inside) out.push_back(ask(random_.one_in(2) ? "ROLLBACK" : "COMMIT"));
  out.push_back(ask("SELECT " + quoted_tag()));
}

void Workload::sql_prepare(std::deque<Exchange>& out) {
  const auto name = "q" + std::to_string(sql_names_++);
  out.push_back(ask("PREPARE " + name + " AS SELECT " + quoted_tag()));
  if (random_.one_in(2)) out.push_back(ask("SELECT " + quoted_tag()));
  out.push_back(ask("EXECUTE " + name));
  if (random_.one_in(2)) out.push_back(ask("DEALLOCATE " + name));
}

void Workload::sleep(std::deque<Exchange>& out) {
  static constexpr std::string_view kTimes[] = {"0.001", "0.01", "0.05", "0.3", "1.5"};
  auto made = ask("SELECT " + quoted_tag() + ", pg_sleep(" +
                  std::string(kTimes[random_.below(std::size(kTimes))]) + ")");
  made.cancellable = true;
  const bool inside = begins_one_in(4);
  if (inside) out.push_back(ask("BEGIN"));
  out.push_back(std::move(made));
  if (inside) out.push_back(ask("COMMIT"));
}

void Workload::big_result(std::deque<Exchange>& out) {
  out.push_back(ask("SELECT " + quoted_tag() + " FROM generate_series(1, " +
                    std::to_string(random_.between(100, kBigRowsMax)) + ")"));
}

void Workload::odd(std::deque<Exchange>& out) {
  switch (random_.below(8)) {
    case 0:
      out.push_back(ask(""));
      return;
    case 1:
      out.push_back(ask(" ; ; "));
      return;
    case 2:
      out.push_back(exchange({sync()}));
      return;
    case 3:
      out.push_back(ask("DISCARD ALL"));
      forget_names();
      return;
    case 4:
      out.push_back(exchange({bind("", "unknown", {}), execute("", 0), sync()}));
      return;
    case 5:
      out.push_back(exchange({describe('P', "unknown"), sync()}));
      return;
    case 6:
      out.push_back(exchange({close_message('S', "unknown"), sync()}));
      return;
    default:
      out.push_back(ask("SELEC " + quoted_tag()));
      return;
  }
}

// --- COPY ---

void Workload::copy_in(std::deque<Exchange>& out) {
  Exchange made;
  const auto sql = "COPY effects FROM STDIN /* " + quoted_tag() + " */";
  const bool extended = random_.one_in(3);
  if (extended) {
    made.messages = {parse("", sql), bind("", "", {}), execute("", 0)};
    if (random_.one_in(2)) made.messages.push_back(sync());  // ignored, as libpq relies on
  } else {
    made.messages = {query(sql)};
  }
  if (random_.one_in(2)) made.hold_from = made.messages.size();
  for (auto left = random_.between(0, 12); left > 0; --left) {
    made.messages.push_back({'d', "row " + std::string(random_.below(200), 'x') + "\n"});
  }
  if (random_.one_in(5))
    made.messages.push_back({'f', Body().string("changed my mind")});
  else
    made.messages.push_back({'c', {}});
  if (extended) made.messages.push_back(sync());
  out.push_back(std::move(made));
}

void Workload::copy_out(std::deque<Exchange>& out) {
  out.push_back(ask("COPY (SELECT " + quoted_tag() + " FROM generate_series(1, " +
                    std::to_string(random_.between(0, 60)) + ")) TO STDOUT"));
}

// --- Extended protocol ---

void Workload::group(Messages& out, std::string_view sql) {
  out.push_back(parse("", sql));
  const bool argument = sql.find("$1") != sql.npos;
  out.push_back(bind("", "", argument ? std::vector{tag()} : std::vector<std::string>{}));
  if (random_.one_in(2)) out.push_back(describe('P', ""));
  out.push_back(execute("", 0));
}

void Workload::extended(std::deque<Exchange>& out) {
  Messages messages;
  switch (random_.below(5)) {
    case 0:
      group(messages, "SELEC " + quoted_tag());
      break;
    case 1:
      group(messages, "INSERT INTO effects VALUES ($1)");
      break;
    case 2:  // describe first, bind in the next batch: legal, the unnamed statement lives on
      out.push_back(exchange({parse("", "SELECT 'tag:shared:0', $1"), describe('S', ""), sync()}));
      messages = {bind("", "", {tag()}), execute("", 0)};
      break;
    default:
      group(messages, statement_text());
      break;
  }
  messages.push_back(sync());
  out.push_back(exchange(std::move(messages)));
}

// Parse on the first use of a name, Bind and Execute from then on; sometimes the name is given
// twice or taken away too early, and PostgreSQL's own errors are due.
void Workload::prepared_group(Messages& out) {
  const auto pick = random_.between(0, kNamesMax - 1);
  const auto name = "p" + std::to_string(pick);
  const auto text = "SELECT 'tag:shared:" + std::to_string(random_.below(kSharedTexts)) + "', $1";
  if (pick >= names_used_ || random_.one_in(20)) {
    out.push_back(parse(name, random_.one_in(3) ? "INSERT INTO effects VALUES ($1)" : text));
    names_used_ = std::max(names_used_, static_cast<int>(pick) + 1);
  }
  if (random_.one_in(4)) out.push_back(describe('S', name));
  out.push_back(bind("", name, {tag()}));
  out.push_back(execute("", 0));
  if (random_.one_in(10)) out.push_back(close_message('S', name));
}

void Workload::prepared(std::deque<Exchange>& out) {
  for (auto left = random_.between(1, 4); left > 0; --left) {
    Messages messages;
    prepared_group(messages);
    messages.push_back(sync());
    out.push_back(exchange(std::move(messages)));
  }
}

void Workload::pipeline(std::deque<Exchange>& out) {
  for (auto syncs = random_.between(2, 5); syncs > 0; --syncs) {
    Messages messages;
    for (auto left = random_.between(1, 4); left > 0; --left) {
      if (random_.one_in(2))
        prepared_group(messages);
      else
        group(messages, statement_text());
    }
    messages.push_back(sync());
    out.push_back(exchange(std::move(messages)));
  }
}

void Workload::flush(std::deque<Exchange>& out) {
  for (auto left = random_.between(1, 3); left > 0; --left) {
    Messages messages;
    group(messages, "SELECT " + quoted_tag());
    messages.push_back({'H', {}});
    out.push_back(exchange(std::move(messages)));
  }
  out.push_back(exchange({sync()}));
}

void Workload::portal(std::deque<Exchange>& out) {
  Messages messages{parse("", "SELECT " + quoted_tag() + " FROM generate_series(1, 7)"),
                    bind("c", "", {})};
  for (auto left = random_.between(1, 3); left > 0; --left) messages.push_back(execute("c", 2));
  if (random_.one_in(2)) messages.push_back(execute("c", 0));
  messages.push_back(close_message('P', "c"));
  messages.push_back(sync());
  out.push_back(exchange(std::move(messages)));
}

void Workload::big_value(std::deque<Exchange>& out) {
  const std::string value(static_cast<std::size_t>(random_.between(5000, kBigValueBytesMax)), 'v');
  out.push_back(exchange({parse("", "SELECT " + quoted_tag() + ", $1"), bind("", "", {value}),
                          execute("", 0), sync()}));
}

}  // namespace tidegate::sim
