// What goes to one side during one step. As long as it is one contiguous piece of what came in,
// nothing is copied; the first piece that is rewritten or made here moves it all to a scratch
// buffer of the worker. Either way the side is written to once, or once per large piece.
#pragma once

#include "base/bytes.h"

namespace tidegate::postgres {

template <class Send>
class Outbox {
 public:
  // `scratch` is empty and lent until flush().
  Outbox(ByteBuffer& scratch, Send send) : scratch_(scratch), send_(send) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // A piece of the input; it must stay where it is until flush().
  void pass(Bytes piece) {
    if (piece.empty()) return;
    if (scratch_.empty() && span_.data() + span_.size() == piece.data()) {
      span_ = {span_.data(), span_.size() + piece.size()};
    } else if (scratch_.empty() && span_.empty()) {
      span_ = piece;
    } else if (piece.size() > kCopiedBytesMax) {
      flush();
      span_ = piece;
    } else {
      ByteWriter(own()).bytes(piece);
    }
  }

  // Where made bytes are appended.
  ByteBuffer& own() {
    if (!span_.empty()) {
      if (span_.size() > kCopiedBytesMax) {
        flush();
      } else {
        scratch_.assign(span_.begin(), span_.end());
        span_ = {};
      }
    }
    return scratch_;
  }

  void flush() {
    if (!scratch_.empty()) {
      send_(Bytes(scratch_));
      scratch_.clear();
    }
    if (!span_.empty()) send_(span_);
    span_ = {};
  }

  void forget() {
    scratch_.clear();
    span_ = {};
  }

 private:
  static constexpr std::size_t kCopiedBytesMax = 4096;

  ByteBuffer& scratch_;
  Send send_;
  Bytes span_;
};

}  // namespace tidegate::postgres
