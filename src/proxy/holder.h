// Whoever a server can be lent to: a client, or the listener of a database. The pool knows both by
// their numbers as waiters.
#pragma once

#include <cstdint>
#include <string>

#include "base/reason.h"
#include "pool/pool.h"

namespace tidegate::proxy {

class Client;
class Server;

class Holder {
 public:
  virtual ~Holder() = default;

  virtual pool::WaiterId waiter() const = 0;
  // Whether it is in this wait of its own, and not in a later one.
  virtual bool waits(std::uint32_t wait) const = 0;
  virtual std::uint32_t wait_number() const = 0;
  // How a wait ends. The server chosen may have died before it could be linked: back to the queue,
  // at the front.
  virtual void link(Server& server) = 0;
  virtual void want_again(std::uint32_t wait) = 0;
  virtual void refuse(Reason reason) = 0;

  virtual void server_lost(Reason reason, const std::string& detail) = 0;
  // The server answered, or takes more.
  virtual void feed() = 0;
  virtual bool output_full() const = 0;
  // Null: it is a listener.
  virtual const Client* as_client() const { return nullptr; }
};

}  // namespace tidegate::proxy
