// Listening for notifications. One listener per database stands for all of its clients: a server
// connection that listens to every channel that one of them has asked for. A client's conversation
// says which channels those are and gets what comes through; the listener's own conversation knows
// how a database is asked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "session/turn.h"

namespace tidegate::session {

class ServerConversation;

// Made once, for everybody who hears it.
struct Notification {
  std::string channel;
  ByteBuffer message;  // as a client is told
};
using NotificationRef = std::shared_ptr<const Notification>;

// Whether the listener has what a client asked it to listen to.
struct Hearing {
  std::uint32_t request = 0;
  bool granted = false;
  std::string encoding;  // of what comes through
};

class ListenerPort {
 public:
  virtual ~ListenerPort() = default;

  // The process id that the client was told whose statement the server of this one runs; the same
  // number when that is nobody of ours.
  virtual std::uint32_t sender_of(std::uint32_t process_id) = 0;
  virtual void notified(NotificationRef notification) = 0;
  // The oldest request has been answered, and everything that was sent before it has come through.
  virtual void listener_answered() = 0;
  // The database refuses to be asked: this server is no good.
  virtual void listener_refused(std::string_view why) = 0;
};

// Every request is answered once, in order, with listener_answered() or listener_refused().
class ListenerConversation {
 public:
  virtual ~ListenerConversation() = default;

  // The first request: that the server has nothing of anybody's, and is ready.
  virtual void linked(ServerConversation& server) = 0;
  virtual void server_lost() = 0;
  virtual void listen(const std::vector<std::string>& channels) = 0;
  virtual void unlisten(const std::string& channel) = 0;
  // Nothing but its answer: what was committed before has come through by then.
  virtual void barrier() = 0;
  virtual std::string encoding() const = 0;
};

}  // namespace tidegate::session
