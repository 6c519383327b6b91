#include "cli/pid_file.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

namespace tidegate::cli {
namespace {

std::unexpected<std::string> failure(const std::string& path) {
  return std::unexpected(fmt::format("cannot write pid_file {}: {}", path, std::strerror(errno)));
}

// The process that the file names; 0 when it names none.
pid_t owner_of(const net::FileDescriptor& file) {
  char text[32];
  const auto size = pread(file.get(), text, sizeof text, 0);
  pid_t pid = 0;
  if (size > 0) std::from_chars(text, text + size, pid);
  return pid;
}

// Other poolers write such a file without locking it, so a living process counts as well.
bool lives_elsewhere(pid_t pid) {
  return pid > 0 && pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM);
}

bool write_pid(const net::FileDescriptor& file) {
  const auto text = fmt::format("{}\n", getpid());
  return ftruncate(file.get(), 0) == 0 &&
         pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

}  // namespace

std::expected<std::unique_ptr<PidFile>, std::string> PidFile::make(const std::string& path) {
  if (path.empty()) return nullptr;
  net::FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file) return failure(path);
  const bool locked = flock(file.get(), LOCK_EX | LOCK_NB) == 0;
  const auto owner = owner_of(file);
  if (!locked || lives_elsewhere(owner)) {
    return std::unexpected(fmt::format(
        "pid_file {} is held by process {}: stop it first, or choose another file", path, owner));
  }
  if (!write_pid(file)) return failure(path);
  return std::unique_ptr<PidFile>(new PidFile(path, std::move(file)));
}

PidFile::~PidFile() {
  unlink(path_.c_str());
}

}  // namespace tidegate::cli
