// The channels that a session listens to, and the notifications that it cannot be told yet.
//
// The listener of the database hears for everybody; see listener_conversation.h. The session's own
// LISTEN still runs on the server that it is linked to, so that it fails, is rolled back and is
// described as PostgreSQL does. Whenever it is given a server its channels are put there first, and
// before the server goes it is asked which there are now: that answer is the session's set,
// whatever became of its transactions, savepoints and functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "postgres/settings.h"
#include "session/listening.h"
#include "sql/effects.h"

namespace tidegate::postgres {

// Whether running it may change what the session listens to.
bool may_change_channels(const sql::Effects& effects);
// Whether what `listener` is told can be passed on to a client of that encoding as it is.
bool same_letters(std::string_view listener, std::string_view client);

class Channels {
 public:
  // Beyond this the session is tied to its server.
  static constexpr std::size_t kChannelsMax = 1000;

  const std::vector<std::string>& heard() const { return heard_; }
  bool hears(std::string_view channel) const;
  // ... or asked for, or may have succeeded in asking for.
  bool may_hear(std::string_view channel) const;
  // The commands that put them on a server.
  std::string sql() const;
  static std::string_view question(bool and_forget);

  // --- The listener ---
  // What it has to be asked for before this text may be sent.
  std::vector<std::string> missing(const sql::Effects& effects) const;
  std::uint32_t ask_listener(std::vector<std::string> channels);
  // For what the session listens to already.
  std::uint32_t ask_late() { return ++request_; }
  // False: it is the answer to an older question.
  bool answered_by_listener(const session::Hearing& answer);
  const std::string& encoding() const { return encoding_; }
  // It cannot be had, or says things in another way: the session's server has to do it.
  bool denied() const { return denied_; }
  void deny() { denied_ = true; }
  bool on_own_server() const { return on_own_server_; }
  // Gives what the listener need not hear any more for this session.
  std::vector<std::string> move_to_own_server();

  // --- The session's server ---
  bool changed() const { return changed_; }
  // A text that may change them is sent now.
  void change();
  // `forgets`: and the server has none of them any more.
  void begin_answer(bool forgets);
  // By the answer that came last.
  bool forgotten() const { return forgets_; }
  // The session would lose what it listens to with this server.
  bool needs_server() const { return changed_ || asking_ || on_own_server_; }
  bool lack() const { return !put_ && !heard_.empty() && !on_own_server_; }
  void put() { put_ = true; }
  void unlinked() { put_ = false; }
  bool asking() const { return asking_; }
  void take_row(Bytes row);
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }
  struct Difference {
    std::vector<std::string> lost;  // the listener heard them for this session
    std::vector<std::string> late;  // it was not asked before
  };
  Difference answered();

  // --- Notifications ---
  // Keeps it if it is for this session, or may be.
  void keep(const session::NotificationRef& notification);
  std::size_t bytes_kept() const { return bytes_kept_; }
  // What came for channels that cannot have been listened to yet.
  void forget_early();
  void miss() { missed_ = true; }
  // Appends what the client is to be told now.
  void tell(ByteBuffer& out);
  bool has_news() const { return missed_ || !kept_.empty(); }
  // Nothing is left of all this.
  bool over() const {
    return heard_.empty() && asked_.empty() && tried_.empty() && kept_.empty() && !denied_ &&
           !changed_ && !asking_ && !missed_;
  }

 private:
  std::vector<std::string> heard_;
  std::vector<std::string> asked_;  // of the listener; the LISTEN was not sent yet
  std::vector<std::string> tried_;  // it was, and is not known to have succeeded
  std::vector<std::string> found_;
  std::vector<session::NotificationRef> kept_;
  std::size_t bytes_kept_ = 0;
  std::string encoding_;
  std::uint32_t request_ = 0;
  bool denied_ = false;
  bool on_own_server_ = false;
  bool put_ = false;
  bool forgets_ = false;
  bool changed_ = false;
  bool asking_ = false;
  bool failed_ = false;
  bool missed_ = false;
};

}  // namespace tidegate::postgres
