// A listening socket, TCP or unix, open for the whole process and shared by its workers.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include <sys/types.h>

#include "net/address.h"
#include "net/reactor.h"

namespace tidegate::net {

class Listener {
 public:
  // Removes a stale unix socket file, refuses a live one. The error is for a human.
  static std::expected<std::shared_ptr<Listener>, std::string> open(const Address& address,
                                                                    const ListenOptions& options);
  // Takes over a socket that systemd (or a predecessor) opened.
  static std::expected<std::shared_ptr<Listener>, std::string> from_descriptor(
      int fd, const ListenOptions&);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return fd_; }
  const Address& address() const { return address_; }  // with the real port when 0 was asked for
  const ListenOptions& options() const { return options_; }

 private:
  Listener(int fd, Address address, ListenOptions options);
  int fd_;
  Address address_;
  ListenOptions options_;
  // Which file to remove at the end: ours, not one that a successor put in its place.
  bool unlink_on_close_ = false;
  dev_t file_device_ = 0;
  ino_t file_inode_ = 0;
};

}  // namespace tidegate::net
