// During login messages are small and are read whole. A MessageGatherer collects one, however the
// stream was cut, and never keeps more than its limit: a length is judged as soon as its four
// bytes are there, before the body.
#pragma once

#include <algorithm>

#include "base/wipe.h"
#include "postgres/framing.h"

namespace tidegate::postgres {

class MessageGatherer {
 public:
  enum class Progress : std::uint8_t { need_more, complete, malformed, too_large };

  // Takes bytes up to the end of the message; `taken` tells how many. Once it is complete, body()
  // is valid until clear().
  Progress take(Bytes bytes, std::size_t body_bytes_max, std::size_t& taken) {
    taken = fill(bytes, kHeaderBytes);
    switch (read_header(gathered_, header_)) {
      case HeaderRead::need_more:
        return Progress::need_more;
      case HeaderRead::malformed:
        return Progress::malformed;
      case HeaderRead::ok:
        break;
    }
    if (header_.body_bytes > body_bytes_max) return Progress::too_large;
    const auto whole = kHeaderBytes + header_.body_bytes;
    taken += fill(bytes.subspan(taken), whole);
    return gathered_.size() == whole ? Progress::complete : Progress::need_more;
  }

  // Known from the first byte on.
  char type() const { return static_cast<char>(gathered_.front()); }
  Bytes body() const { return Bytes(gathered_).subspan(kHeaderBytes); }
  // Makes room for the next; what was here may have been a password.
  void clear() { wipe(gathered_); }

 private:
  std::size_t fill(Bytes bytes, std::size_t goal) {
    if (gathered_.size() >= goal) return 0;
    const auto count = std::min(bytes.size(), goal - gathered_.size());
    gathered_.insert(gathered_.end(), bytes.begin(), bytes.begin() + count);
    return count;
  }

  ByteBuffer gathered_;
  MessageHeader header_;
};

}  // namespace tidegate::postgres
