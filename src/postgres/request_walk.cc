#include "postgres/request_walk.h"

#include <algorithm>

#include "base/planted.h"
#include "postgres/messages.h"
#include "postgres/replan.h"
#include "postgres/request_messages.h"
#include "postgres/stand_in.h"

namespace tidegate::postgres {
namespace {

// A message up to this size is kept until it is complete, so that a slow sender holds no server;
// beyond, it passes by in pieces. Describe, Execute and Close have nothing that large.
constexpr std::size_t kKeptBytesMax = 8192;
// A client that asks without reading is not listened to beyond this depth.
constexpr std::size_t kOwedMax = 10'000;

std::size_t kept_bytes_max(char type, const session::RouteRules& rules) {
  switch (type) {
    case 'd':
    case 'f':
      return kHeaderBytes;
    case 'P':
      return rules.statement_bytes_max + kHeaderBytes + kNameBytesMax;
    default:
      return kKeptBytesMax;
  }
}

bool passes_in_pieces(char type) {
  return type == 'Q' || type == 'B' || type == 'P' || type == 'F' || type == 'd' || type == 'f';
}

bool needs_server(char type) {
  return type == 'Q' || type == 'P' || type == 'B' || type == 'D' || type == 'E' || type == 'F';
}

bool is_request(char type) {
  return std::string_view("QPBDECHSFdcfX").contains(type);
}

}  // namespace

RequestWalk::RequestWalk(Session& session, const session::Turn& turn)
    : session_(session),
      turn_(turn),
      to_server_(session.workshop_.to_server, ToServer{session}),
      to_client_(session.workshop_.to_client, ToClient{session}) {}

RequestWalk::~RequestWalk() {
  if (server_linked()) {
    to_server_.flush();
  } else {
    to_server_.forget();
  }
  if (session_.closed_) {
    to_client_.forget();
  } else {
    to_client_.flush();
  }
}

std::size_t RequestWalk::run(Bytes bytes) {
  if (session_.said_goodbye()) return bytes.size();
  std::size_t taken = 0;
  while (taken < bytes.size() && session_.wants_input()) {
    const auto used = take(bytes.subspan(taken));
    if (used == 0) break;
    taken += used;
  }
  return session_.closed_ || session_.said_goodbye() ? bytes.size() : taken;
}

std::size_t RequestWalk::take(Bytes rest) {
  if (session_.body_left_ > 0) return stream(rest);
  if (!session_.stash_.empty()) return fill_stash(rest);
  MessageHeader header;
  const auto read = read_header(rest, header);
  if (read == HeaderRead::malformed)
    return violation("a message of impossible length"), rest.size();
  const auto total = kHeaderBytes + header.body_bytes;
  if (read == HeaderRead::ok && rest.size() >= total) {
    behind_ = rest.subspan(total);
    return whole(header, rest.first(total)) ? total : 0;
  }
  behind_ = {};
  if (read == HeaderRead::ok && rest.size() >= kept_bytes_max(header.type, session_.rules_)) {
    return begin(header, rest) ? rest.size() : 0;
  }
  session_.stash_.assign(rest.begin(), rest.end());
  return rest.size();
}

std::size_t RequestWalk::fill_stash(Bytes rest) {
  auto& stash = session_.stash_;
  std::size_t used = 0;
  const auto fill = [&](std::size_t goal) {
    const auto count = std::min(goal - std::min(goal, stash.size()), rest.size() - used);
    stash.insert(stash.end(), rest.begin() + static_cast<std::ptrdiff_t>(used),
                 rest.begin() + static_cast<std::ptrdiff_t>(used + count));
    used += count;
  };
  fill(kHeaderBytes);
  MessageHeader header;
  const auto read = read_header(stash, header);
  if (read == HeaderRead::need_more) return used;
  if (read == HeaderRead::malformed)
    return violation("a message of impossible length"), rest.size();
  const auto goal =
      std::min(kHeaderBytes + header.body_bytes, kept_bytes_max(header.type, session_.rules_));
  fill(goal);
  if (stash.size() >= goal) deal_with_stash(header);
  return used;
}

void RequestWalk::retry() {
  MessageHeader header;
  if (read_header(session_.stash_, header) != HeaderRead::ok) return;
  const auto goal =
      std::min(kHeaderBytes + header.body_bytes, kept_bytes_max(header.type, session_.rules_));
  if (session_.stash_.size() >= goal) deal_with_stash(header);
}

// The stash is either gone afterwards or as it was.
bool RequestWalk::deal_with_stash(const MessageHeader& header) {
  held_ = std::move(session_.stash_);
  session_.stash_ = {};
  behind_ = {};
  const bool complete = held_.size() == kHeaderBytes + header.body_bytes;
  const bool done = complete ? whole(header, held_) : begin(header, held_);
  if (!done) session_.stash_ = std::move(held_);
  return done;
}

std::size_t RequestWalk::stream(Bytes rest) {
  const auto piece = rest.first(std::min<std::size_t>(session_.body_left_, rest.size()));
  session_.body_left_ -= static_cast<std::uint32_t>(piece.size());
  const bool last = session_.body_left_ == 0;
  switch (session_.streaming_) {
    case Session::Streaming::query:
      session_.scanner_->push(last ? piece.first(piece.size() - 1) : piece);
      to_server_.pass(piece);
      break;
    case Session::Streaming::parse:
      scan_parse(piece);
      to_server_.pass(piece);
      break;
    case Session::Streaming::forward:
      to_server_.pass(piece);
      break;
    default:
      break;
  }
  if (last) end_of_stream();
  return piece.size();
}

void RequestWalk::end_of_stream() {
  const auto was = std::exchange(session_.streaming_, Session::Streaming::none);
  if (was == Session::Streaming::query) end_query();
  if (was == Session::Streaming::parse) end_parse();
}

// --- One message, whole ---

bool RequestWalk::whole(const MessageHeader& header, Bytes message) {
  const auto type = header.type;
  if (!is_request(type)) return violation("an unknown message type"), true;
  if (type == 'X') return terminate(), true;
  const bool ignored = session_.discarding_ || session_.refusal_ != Reason::none ||
                       (server_linked() && state().skipping);
  if (ignored && type != 'S') return discard(header, message);
  if (message.size() > kept_bytes_max(type, session_.rules_) && type == 'P') {
    return begin(header, message);
  }
  if (needs_server(type) && !need_server()) return false;
  if (owed_full(type)) return stall();
  if (session_.notifies_ && waits_for_notified()) return stall();
  if (session_.channels_ != nullptr && server_linked()) mind_channels();
  return dispatch(header, message);
}

bool RequestWalk::dispatch(const MessageHeader& header, Bytes message) {
  switch (header.type) {
    case 'Q':
      return query(message);
    case 'P':
      return parse(message);
    case 'B':
      return bind(header, message);
    case 'D':
      return describe(message);
    case 'E':
      return execute(message);
    case 'C':
      return close(message);
    case 'H':
      return flush_request(message);
    case 'S':
      return sync(message);
    case 'F':
      return function_call(message);
    case 'd':
      return copy_data(message);
    default:
      return copy_end(message);
  }
}

// --- The beginning of a large one ---

bool RequestWalk::begin(const MessageHeader& header, Bytes part) {
  const auto type = header.type;
  if (!is_request(type)) return violation("an unknown message type"), true;
  if (!passes_in_pieces(type)) return too_large("a request that is never this large"), true;
  if (session_.discarding_ || session_.refusal_ != Reason::none ||
      (server_linked() && state().skipping)) {
    return discard(header, part);
  }
  if (needs_server(type) && !need_server()) return false;
  if (owed_full(type)) return stall();
  if (session_.notifies_ && waits_for_notified()) return stall();
  if (session_.channels_ != nullptr && server_linked()) mind_channels();
  session_.body_left_ = static_cast<std::uint32_t>(kHeaderBytes + header.body_bytes - part.size());
  session_.streaming_ = Session::Streaming::forward;
  bool begun = true;
  switch (type) {
    case 'Q':
      begun = begin_query(header, part);
      break;
    case 'P':
      begun = begin_parse(header, part);
      break;
    case 'B':
      begun = bind(header, part);
      break;
    case 'F':
      begun = function_call(part);
      break;
    case 'd':
      begun = copy_data(part);
      break;
    default:
      begun = copy_end(part);
      break;
  }
  if (!begun) {
    session_.body_left_ = 0;
    session_.streaming_ = Session::Streaming::none;
  } else if (session_.body_left_ == 0) {
    end_of_stream();
  }
  return begun;
}

// A request that is not to be answered: after an error, up to the next Sync. The one that was
// refused a server starts that; a simple query needs no Sync to be over.
bool RequestWalk::discard(const MessageHeader& header, Bytes part) {
  const bool simple = header.type == 'Q' || header.type == 'F';
  if (std::exchange(session_.refusal_, Reason::none) != Reason::none) {
    if (simple) {
      write_ready_for_query(to_client_.own(), 'I');
    } else {
      session_.discarding_ = true;
    }
  }
  session_.body_left_ = static_cast<std::uint32_t>(kHeaderBytes + header.body_bytes - part.size());
  session_.streaming_ =
      session_.body_left_ > 0 ? Session::Streaming::discard : Session::Streaming::none;
  return true;
}

void RequestWalk::violation(std::string_view detail) {
  flush_both();
  session_.fail(Reason::protocol_violation, detail);
}

void RequestWalk::too_large(std::string_view detail) {
  flush_both();
  session_.fail(Reason::message_too_large, detail);
}

// --- Requests with nothing to look at ---

bool RequestWalk::execute(Bytes message) {
  if (session_.portals_ != nullptr) {
    const auto name = name_deallocated_by(ByteReader(message.subspan(kHeaderBytes)).cstring());
    if (!name.empty()) return execute_deallocate(message, name);
  }
  owe(Reply::execute);
  if (session_.reading_.has_portals()) setting_executed(message);
  extended_sent('E', message);
  to_server_.pass(message);
  if (session_.portals_ != nullptr) {
    restore_behind(ByteReader(message.subspan(kHeaderBytes)).cstring());
  }
  return true;
}

void RequestWalk::setting_executed(Bytes message) {
  ByteReader reader(message.subspan(kHeaderBytes));
  const auto portal = reader.cstring();
  session_.reading_.executed(portal, reader.be32() == 0);
}

// Without a server nothing is open that a Sync could end.
bool RequestWalk::sync(Bytes message) {
  session_.discarding_ = false;
  if (!server_linked()) {
    write_ready_for_query(to_client_.own(), 'I');
    return true;
  }
  to_server_.pass(message);
  if (state().copying_in) {
    ++state().swallowed_syncs;
    return true;
  }
  extended_sent('S', message);
  if (!(planted(Planted::owed_sync_forgotten) && state().owed.readies() > 0)) owe(Reply::sync);
  if (!state().stand_in.empty()) take_back_stand_in(state(), to_server_.own());
  end_segment();
  state().skipping = false;
  return true;
}

void RequestWalk::end_segment() {
  session_.rows_asked_ = false;
  state().unsynced = false;
  session_.doubts_.segment_ended();
}

bool RequestWalk::flush_request(Bytes message) {
  if (server_linked() && !state().owed.empty()) to_server_.pass(message);
  return true;
}

bool RequestWalk::function_call(Bytes message) {
  owe(Reply::function_call);
  drop_segment(state());
  end_segment();
  to_server_.pass(message);
  return true;
}

// Copy data for a COPY that failed in the meantime, and whose server is gone to others, is dropped;
// PostgreSQL ignores it too.
bool RequestWalk::copy_data(Bytes message) {
  if (server_linked()) {
    to_server_.pass(message);
  } else if (session_.body_left_ > 0) {
    session_.streaming_ = Session::Streaming::discard;
  }
  return true;
}

bool RequestWalk::copy_end(Bytes message) {
  if (server_linked() && !state().owed.empty()) {
    owe(Reply::copy_end);
    state().copying_in = false;
  }
  return copy_data(message);
}

void RequestWalk::terminate() {
  flush_both();
  session_.terminated();
}

// Before the session ends: what was asked before stands, and its server is let go.
void RequestWalk::flush_both() {
  if (server_linked()) to_server_.flush();
  to_client_.flush();
}

// --- Common ---

bool RequestWalk::need_server() {
  if (!server_linked()) {
    to_client_.flush();
    session_.ask_for_server();
    return false;
  }
  return true;
}

bool RequestWalk::owed_full(char type) {
  const bool copying = type == 'd' || type == 'c' || type == 'f';
  return !copying && server_linked() && state().owed.size() >= kOwedMax;
}

// The ReadyForQuery that may have to be held back is to be the last.
bool RequestWalk::waits_for_notified() const {
  const auto& server = session_.server_->state();
  return server.owed.readies() > 0 && !server.copying_in && session_.port_.is_listened_to();
}

// They may have been taken from the server in the hope that it could be let go. What was heard in
// an open transaction was committed before this session can be listening.
void RequestWalk::mind_channels() {
  auto& channels = *session_.channels_;
  if (state().status == 'T' && state().owed.empty()) channels.forget_early();
  if (!channels.lack() || state().status != 'I' || state().unsynced) return;
  to_server_.flush();
  session_.put_channels();
}

OwedReply& RequestWalk::owe(Reply reply, Action action) {
  if (state().owed.empty()) session_.query_since_ = turn_.now;
  return state().owed.push(reply, action);
}

// What the client is owed by Tidegate alone, with nothing of the server's before it, waits for
// nobody; and nobody waits for it.
void RequestWalk::answer_fakes() {
  if (!state().inside_reply) settle_fakes(state().owed, to_client_.own());
}

void RequestWalk::extended_sent(char type, Bytes message) {
  state().unsynced = true;
  extend_segment(state(), type, message);
}

}  // namespace tidegate::postgres
