// Messages in both directions. Read: a stream cut anywhere gives the messages that it gives in one
// piece, none beyond the limit. Written: whatever text goes into an error, a startup packet or a
// query comes out as one whole message, and the reader finds it again.
#include <string>
#include <vector>

#include "base/check.h"
#include "login_input.h"
#include "postgres/message_gatherer.h"
#include "postgres/messages.h"

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

constexpr std::size_t kBodyBytesMax = 1000;

using Progress = MessageGatherer::Progress;

struct Gathered {
  std::vector<std::string> messages;
  Progress end = Progress::need_more;
  bool operator==(const Gathered&) const = default;
};

Gathered gather(fuzz::LoginInput input) {
  Gathered result;
  MessageGatherer gatherer;
  while (!input.bytes.empty()) {
    auto piece = input.next_piece();
    while (!piece.empty()) {
      std::size_t taken = 0;
      result.end = gatherer.take(piece, kBodyBytesMax, taken);
      TG_CHECK(taken <= piece.size());
      if (result.end == Progress::malformed || result.end == Progress::too_large) return result;
      piece = piece.subspan(taken);
      if (result.end != Progress::complete) continue;
      TG_CHECK(gatherer.body().size() <= kBodyBytesMax);
      result.messages.push_back(gatherer.type() + std::string(as_text(gatherer.body())));
      gatherer.clear();
    }
  }
  return result;
}

// The body of the one message that `bytes` must be.
Bytes only_message(Bytes bytes, char type) {
  MessageHeader header;
  TG_CHECK(read_header(bytes, header) == HeaderRead::ok);
  TG_CHECK(header.type == type);
  TG_CHECK(bytes.size() == kHeaderBytes + header.body_bytes);
  return bytes.subspan(kHeaderBytes);
}

void write_and_read(std::string_view text) {
  const auto until_zero = text.substr(0, text.find('\0'));
  ByteBuffer out;
  write_error(out, ErrorText{.severity = "ERROR",
                             .sqlstate = "XX000",
                             .message = std::string(text),
                             .detail = std::string(text),
                             .hint = std::string(text)});
  const auto error = read_error(only_message(out, 'E'));
  TG_CHECK(error && error->sqlstate == "XX000" && error->message == until_zero);

  out.clear();
  write_query(out, text);
  only_message(out, 'Q');
  out.clear();
  write_parameter_status(out, text, text);
  only_message(out, 'S');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto cut = fuzz::LoginInput::from(data, size);
  auto whole = cut;
  whole.piece_bytes = std::max<std::size_t>(1, whole.bytes.size());
  const auto in_pieces = gather(cut);
  TG_CHECK(in_pieces == gather(whole));
  write_and_read(as_text(cut.bytes));
  return 0;
}
