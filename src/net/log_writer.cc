#include "net/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/clock.h"
#include "net/quiet_thread.h"
#include "net/socket_options.h"

namespace tidegate::net {
namespace {

std::string why_not_opened(const std::string& path, int error) {
  struct stat found{};
  const bool is_pipe = stat(path.c_str(), &found) == 0 && S_ISFIFO(found.st_mode);
  return is_pipe && error == ENXIO ? "it is a pipe, and nobody reads it" : describe_error(error);
}

}  // namespace

std::unique_ptr<LogWriter> LogWriter::make(const Options& options) {
  return std::unique_ptr<LogWriter>(new LogWriter(options));
}

LogWriter::LogWriter(const Options& options)
    : options_(options), limiter_(options.lines_per_event_max) {
  open();
  thread_ = start_quiet_thread([this] { serve(); });
}

LogWriter::~LogWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

// Does not wait for the reader of a named pipe. False: said why; the old file, if there was one,
// goes on, else standard error.
bool LogWriter::open() {
  if (options_.file.empty()) return false;
  constexpr mode_t kMode = 0640;
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  const int fd = ::open(options_.file.c_str(), kFlags | O_NONBLOCK, kMode);
  if (fd >= 0) {
    fcntl(fd, F_SETFL, O_APPEND);  // this thread may wait to write, and none but this one does
    file_.reset(fd);
    return true;
  }
  const auto why = why_not_opened(options_.file, errno);
  const LogField fields[] = {{"file", options_.file}, {"error", why}};
  put(line(LogLevel::error, "cannot open the log file", fields), 1);
  return false;
}

void LogWriter::open_anew() {
  if (!open() || !enabled(LogLevel::info)) return;
  const LogField fields[] = {{"file", options_.file}};
  put(line(LogLevel::info, "log file opened anew", fields), 1);
}

std::string LogWriter::line(LogLevel level, std::string_view event,
                            std::span<const LogField> fields) const {
  const auto format = options_.json ? LogFormat::json : LogFormat::logfmt;
  return format_log_line(format, calendar_now(), level, event, fields);
}

void LogWriter::write(LogLevel level, std::string_view event,
                      std::initializer_list<LogField> fields) {
  if (!enabled(level) || !admit(level, event)) return;
  auto text = line(level, event, {fields.begin(), fields.size()});
  {
    std::lock_guard lock(mutex_);
    if (lines_.size() >= options_.lines_max) {
      ++dropped_;
      return;
    }
    lines_.push_back(std::move(text));
  }
  changed_.notify_one();
}

bool LogWriter::admit(LogLevel level, std::string_view event) {
  if (options_.lines_per_event_max <= 0) return true;
  const auto now = monotonic_now();
  std::lock_guard lock(mutex_);
  const auto report_before = limiter_.next_report();
  const bool admitted = limiter_.admit(level, event, now);
  if (limiter_.next_report() != report_before) changed_.notify_one();
  return admitted;
}

void LogWriter::reopen() {
  {
    std::lock_guard lock(mutex_);
    reopening_ = true;
  }
  changed_.notify_one();
}

void LogWriter::serve() {
  for (bool last = false; !last;) {
    std::string batch;
    std::size_t count = 0;
    bool reopening = false;
    {
      std::unique_lock lock(mutex_);
      wait(lock);
      take_lines(batch, count);
      reopening = std::exchange(reopening_, false);
      last = stopping_;
    }
    put(batch, count);
    if (reopening) open_anew();
  }
}

// Until there is something to do; for ever, when nothing is going on.
void LogWriter::wait(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (stopping_ || reopening_ || !lines_.empty() || dropped_ > 0) return;
    const auto left = limiter_.next_report() - monotonic_now();
    if (limiter_.next_report().is_never()) {
      changed_.wait(lock);
    } else if (left <= Duration{0}) {
      return;
    } else {
      changed_.wait_for(lock, left);
    }
  }
}

// Called with the lock held.
void LogWriter::take_lines(std::string& batch, std::size_t& count) {
  if (!lines_.empty()) dropped_ += std::exchange(lost_, 0);
  for (const auto& each : lines_) batch += each;
  count = lines_.size();
  lines_.clear();
  // On leaving, windows that are still open are told as well.
  const auto until = stopping_ ? monotonic_now() + LogLimiter::kWindow : monotonic_now();
  for (const auto& omission : limiter_.take_omissions(until)) {
    const LogField fields[] = {{"of", omission.event}, {"count", omission.count}};
    batch += line(omission.level, "similar lines left out", fields);
    ++count;
  }
  if (dropped_ == 0) return;
  const LogField fields[] = {{"count", std::exchange(dropped_, 0)}};
  batch += line(LogLevel::warning, "log lines dropped", fields);
  ++count;
}

void LogWriter::put(const std::string& batch, std::size_t count) {
  const int fd = file_ ? file_.get() : STDERR_FILENO;
  std::string_view rest = batch;
  while (!rest.empty()) {
    const auto written = ::write(fd, rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      break;
    }
  }
  if (rest.empty()) return;
  lost_ += count;  // a full disk; told with the next lines, not now, or we would spin
}

}  // namespace tidegate::net
