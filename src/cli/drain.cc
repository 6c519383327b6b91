#include "cli/drain.h"

#include <thread>

#include "cli/notify.h"
#include "cli/stragglers.h"
#include "config/units.h"

namespace tidegate::cli {
namespace {

constexpr auto kFirstReport = std::chrono::seconds(1);  // what takes less is not worth a line
constexpr auto kReports = std::chrono::seconds(5);
// A client that does not read its last words must not hold up the end.
constexpr auto kLastWordsMax = std::chrono::seconds(5);
// Nor one that has them in all likelihood, or is to leave at once.
constexpr auto kUnheardMax = std::chrono::milliseconds(500);
constexpr auto kLastWordsMaxAtOnce = std::chrono::milliseconds(500);
constexpr auto kLook = std::chrono::milliseconds(10);

}  // namespace

void Drain::await_clients() {
  since_ = Clock::now();
  report_at_ = since_ + kFirstReport;
  log_.write(LogLevel::info, "leaving: transactions under way are finished first",
             {{"shutdown_timeout", config::print_duration(timeout_)}});
  notify_systemd("STOPPING=1");
  service_.leave();
}

void Drain::await_servers() {
  awaits_clients_ = false;
  unsent_end_ = Clock::now() + kLastWordsMax;
  unheard_end_ = Clock::now() + kUnheardMax;
  service_.close_servers();
}

void Drain::at_once() {
  log_.write(LogLevel::warning, "SIGQUIT: leaving at once", {});
  notify_systemd("STOPPING=1");
  service_.leave();
  cut_short();
}

void Drain::cut_short() {
  service_.dismiss_everybody();
  const auto end = Clock::now() + kLastWordsMaxAtOnce;
  const auto somebody_listens = [this] {
    const auto words = service_.last_words();
    return words.unsent + words.unheard > 0;
  };
  while (Clock::now() < end && somebody_listens()) std::this_thread::sleep_for(kLook);
}

bool Drain::listened_to() {
  const auto now = Clock::now();
  const auto words = service_.last_words();
  return (words.unsent == 0 || now >= unsent_end_) && (words.unheard == 0 || now >= unheard_end_);
}

bool Drain::done() {
  if (awaits_clients_) return service_.clients_are_gone();
  return service_.servers_left() == 0 && listened_to();
}

bool Drain::goes_on() {
  const auto now = Clock::now();
  if (timeout_ > Duration{0} && now - since_ >= timeout_) {
    report(LogLevel::warning, "shutdown_timeout passed: leaving at once");
    return false;
  }
  if (now >= report_at_) {
    report_at_ = now + kReports;
    report(LogLevel::info, awaits_clients_ ? "leaving: waiting for clients"
                           : service_.servers_left() > 0
                               ? "leaving: waiting for databases to close their ends"
                               : "leaving: waiting for last words to be taken");
  }
  return true;
}

void Drain::report(LogLevel level, std::string_view event) {
  auto remaining = service_.stragglers();
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since_);
  const auto words = service_.last_words();
  log_.write(level, event,
             {{"clients", remaining.size()},
              {"servers", service_.servers_left()},
              {"last_words", words.unsent + words.unheard},
              {"waited", fmt::format("{}s", waited.count())},
              {"shutdown_timeout", config::print_duration(timeout_)},
              {"who", describe(std::move(remaining))}});
}

}  // namespace tidegate::cli
