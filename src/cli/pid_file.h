// The file that holds our process id, for whoever sends us signals. One that a living process holds
// is refused, so that the same configuration is not served twice by mistake; one that a crash left
// behind is taken over.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "net/file_descriptor.h"

namespace tidegate::cli {

class PidFile {
 public:
  // Null when `path` is empty. The error is for a human.
  static std::expected<std::unique_ptr<PidFile>, std::string> make(const std::string& path);
  // Removes the file.
  ~PidFile();
  PidFile(const PidFile&) = delete;

 private:
  PidFile(std::string path, net::FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  net::FileDescriptor file_;  // locked for as long as it is open
};

}  // namespace tidegate::cli
