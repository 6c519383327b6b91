// Every request that a server owes a reply has one entry here, in the order in which the requests
// were written. The entry says which kind of reply ends it and what becomes of that reply. A
// server may go to another client only when its queue is empty: counting ReadyForQuery is not
// enough once requests are pipelined, skipped after an error, or answered by Tidegate itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/reason.h"
#include "postgres/insertions.h"
#include "postgres/statements.h"

namespace tidegate::postgres {

enum class Reply : std::uint8_t {
  query,  // until ReadyForQuery
  parse,
  bind,
  describe,
  execute,
  close,
  sync,           // ReadyForQuery
  function_call,  // until ReadyForQuery
  copy_end,       // no reply: marks where CopyDone or CopyFail stood among the requests
};

enum class Action : std::uint8_t {
  forward,
  skip,  // Tidegate asked; the client must not see the answer
  fake,  // the server was not asked; Tidegate answers when the entry comes to the front
};

struct OwedReply {
  Reply reply = Reply::sync;
  Action action = Action::forward;
  // When the server answers with an error, the client reads this one instead. duplicate_statement
  // and unknown_statement stand in only for the server's error of the same SQLSTATE, because that
  // one names a statement by the name that Tidegate gave it.
  Reason error = Reason::none;
  // The client's name of the statement, also of one that an execute deallocates; the tag of a faked
  // execute.
  std::string name;
  StatementRef statement;                // what is parsed, closed or used
  StatementRef before;                   // what the client's name meant before
  bool before_was_there = false;         // ... and the server had it, as its unnamed statement
  std::unique_ptr<Insertions> inserted;  // what stands between the statements of a query

  // Whether it gives the session another unnamed statement, or takes it away.
  bool changes_unnamed() const {
    if (action != Action::forward) return false;
    return reply == Reply::query ||
           ((reply == Reply::parse || reply == Reply::close) && name.empty() && !of_portal);
  }
  bool of_portal = false;  // a Close that has nothing to do with statements
  bool restores = false;   // puts back startup values behind a RESET
  bool prepares = false;   // puts back what the session prepared in SQL, which may be refused
  bool inquires = false;   // asks what the session has set; see inquiry.h
};

class OwedQueue {
 public:
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  // How many ReadyForQuery are owed.
  std::size_t readies() const { return readies_; }

  OwedReply& push(Reply reply, Action action = Action::forward);
  OwedReply& front() { return at(0); }
  const OwedReply& front() const { return ring_[head_]; }
  OwedReply& back() { return at(count_ - 1); }
  OwedReply& at(std::size_t index) { return ring_[(head_ + index) & (ring_.size() - 1)]; }
  const OwedReply& at(std::size_t index) const {
    return ring_[(head_ + index) & (ring_.size() - 1)];
  }
  void pop();
  void pop_back();
  void front_to_back();
  // Takes one out of the middle; the later ones move up.
  void erase(std::size_t index);
  void clear();

 private:
  void grow();
  void forget(OwedReply& reply);

  std::vector<OwedReply> ring_;  // its size is a power of two
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::size_t readies_ = 0;
};

// Writes the answers of the fakes at the front and takes them out.
void settle_fakes(OwedQueue& owed, ByteBuffer& out);

}  // namespace tidegate::postgres
