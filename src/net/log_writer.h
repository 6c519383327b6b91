// Writes the log: lines are made where the event happens, and written by a thread of its own, so
// that a full disk or a slow terminal never holds up a worker. The queue between is bounded; lines
// that do not fit are counted, and the count is logged when there is room again.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "net/file_descriptor.h"
#include "net/log_format.h"
#include "net/log_limiter.h"

namespace tidegate::net {

class LogWriter final : public Log {
 public:
  struct Options {
    LogLevel level = LogLevel::info;
    bool json = false;
    std::string file;  // empty = standard error
    std::size_t lines_max = 8192;
    int lines_per_event_max = 20;  // per second; 0 = no limit
  };
  // A file that cannot be opened is reported on standard error, which then takes its place.
  static std::unique_ptr<LogWriter> make(const Options& options);
  // Writes what is queued first.
  ~LogWriter() override;

  // Any thread.
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;
  bool enabled(LogLevel level) const override { return level >= options_.level; }
  // Opens the file again, under its name, and says there what became of it: for logrotate.
  void reopen();

 private:
  explicit LogWriter(const Options& options);
  bool admit(LogLevel level, std::string_view event);
  void serve();
  void wait(std::unique_lock<std::mutex>& lock);
  void take_lines(std::string& batch, std::size_t& count);
  std::string line(LogLevel level, std::string_view event, std::span<const LogField> fields) const;
  void put(const std::string& batch, std::size_t count);
  bool open();
  void open_anew();

  const Options options_;
  // The thread's own, once it runs.
  FileDescriptor file_;
  std::uint64_t lost_ = 0;  // lines that could not be written

  std::mutex mutex_;
  std::condition_variable changed_;
  LogLimiter limiter_;  // guarded by mutex_, as all below
  std::vector<std::string> lines_;
  std::uint64_t dropped_ = 0;
  bool reopening_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tidegate::net
