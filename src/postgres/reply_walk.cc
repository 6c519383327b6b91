#include "postgres/reply_walk.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/planted.h"
#include "postgres/renamed_error.h"
#include "postgres/replan.h"
#include "postgres/stand_in.h"

namespace tidegate::postgres {
namespace {

// What is read of an error: severity and SQLSTATE come first. The rest passes in pieces.
constexpr std::size_t kErrorHeadBytes = 32 * 1024;
constexpr std::size_t kTagBytes = 32;
constexpr std::size_t kParameterBytesMax = 64 * 1024;
constexpr std::size_t kInquiryRowBytesMax = 64 * 1024;
// PostgreSQL's own limit is 8000 for channel and payload.
constexpr std::size_t kNotificationBytesMax = 16 * 1024;

// A command's tag tells of it, and not what it did. A block may have done anything.
bool defines_something(std::string_view tag) {
  return tag.starts_with("CREATE ") || tag.starts_with("ALTER ") || tag.starts_with("DROP ") ||
         tag == "DO";
}

constexpr std::uint16_t bit(Reply reply) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(reply));
}

// Which requests a message may answer, and which of those it ends (PostgreSQL manual, 55.2).
struct Fit {
  std::uint16_t allowed = 0;
  std::uint16_t ends = 0;
};
constexpr auto kFits = [] {
  std::array<Fit, 128> fits{};
  constexpr auto query = bit(Reply::query);
  constexpr auto describe = bit(Reply::describe);
  constexpr auto execute = bit(Reply::execute);
  const auto both = static_cast<std::uint16_t>(query | execute);
  const auto columns = static_cast<std::uint16_t>(query | describe);
  fits['1'] = {bit(Reply::parse), bit(Reply::parse)};
  fits['2'] = {bit(Reply::bind), bit(Reply::bind)};
  fits['3'] = {bit(Reply::close), bit(Reply::close)};
  fits['t'] = {describe, 0};
  fits['T'] = {columns, describe};
  fits['n'] = {describe, describe};
  fits['D'] = {both, 0};
  fits['C'] = {both, execute};
  fits['I'] = {both, execute};
  fits['s'] = {execute, execute};
  fits['G'] = {both, 0};
  fits['H'] = {both, 0};
  fits['d'] = {both, 0};
  fits['c'] = {both, 0};
  fits['V'] = {bit(Reply::function_call), 0};
  return fits;
}();

// A message that answers and neither ends the answer nor says what has to be noticed.
bool only_passes(char type, Reply reply) {
  const auto fit = kFits[static_cast<unsigned char>(type) & 127];
  return (fit.allowed & ~fit.ends & bit(reply)) != 0 && type != 'G' && type != 'C';
}

bool ends_in_ready(Reply reply) {
  return reply == Reply::query || reply == Reply::sync || reply == Reply::function_call;
}

// And not of the moment, as a lock that somebody holds.
bool is_of_its_text(const ErrorFields& error) {
  return error.sqlstate.starts_with("42") || error.sqlstate.starts_with("3F") ||
         error.sqlstate.starts_with("22") || error.sqlstate.starts_with("0A");
}

// What it is answered with now is none of the client's business.
bool is_unseen(const OwedReply& owed) {
  return owed.action == Action::skip || (owed.inserted != nullptr && owed.inserted->runs());
}

}  // namespace

std::optional<ReplyWalk::Broken> ReplyWalk::walk(Bytes bytes, LinkedClient* client,
                                                 const session::Turn& turn) {
  ByteBuffer nowhere;
  Out out(client != nullptr ? client->client_scratch() : nowhere, ToClient{client});
  Step step{client, out, turn};
  while (!bytes.empty() && !broken_) {
    bytes = bytes.subspan(partial_.empty() ? take(bytes, step) : gather(bytes, step));
  }
  out.flush();
  return broken_;
}

// Gives how many bytes it used; all of them, when the rest is the beginning of a message.
std::size_t ReplyWalk::take(Bytes rest, Step& step) {
  if (body_left_ > 0) {
    const auto piece = rest.first(std::min<std::size_t>(body_left_, rest.size()));
    if (passing_ && step.client != nullptr) step.out.pass(piece);
    body_left_ -= static_cast<std::uint32_t>(piece.size());
    settle(step);
    return piece.size();
  }
  if (const auto rows = whole_rows(rest, step); rows > 0) {
    step.out.pass(rest.first(rows));
    return rows;
  }
  MessageHeader header;
  const auto read = read_header(rest, header);
  if (read == HeaderRead::malformed) {
    break_off(Reason::server_protocol_error, "a message of impossible length");
    return rest.size();
  }
  if (read == HeaderRead::need_more || rest.size() < wanted(header)) {
    partial_.assign(rest.begin(), rest.end());
    return rest.size();
  }
  const auto there = rest.first(std::min(rest.size(), kHeaderBytes + header.body_bytes));
  message(header, there, true, step);
  return there.size();
}

// The bytes of the whole messages at the beginning that change nothing: rows, mostly. Nearly all
// that a server says is that, so it is passed over with a table and without a judgement.
std::size_t ReplyWalk::whole_rows(Bytes rest, const Step& step) const {
  if (step.client == nullptr || state_.owed.empty()) return 0;
  const auto& front = state_.owed.front();
  if (front.action != Action::forward) return 0;
  std::size_t passed = 0;
  MessageHeader header;
  while (read_header(rest.subspan(passed), header) == HeaderRead::ok) {
    const auto end = passed + kHeaderBytes + header.body_bytes;
    if (end > rest.size() || !only_passes(header.type, front.reply)) break;
    passed = end;
  }
  return passed;
}

std::size_t ReplyWalk::gather(Bytes rest, Step& step) {
  MessageHeader header;
  std::size_t used = 0;
  const auto fill = [&](std::size_t goal) {
    const auto count = std::min(goal - std::min(goal, partial_.size()), rest.size() - used);
    partial_.insert(partial_.end(), rest.begin() + static_cast<std::ptrdiff_t>(used),
                    rest.begin() + static_cast<std::ptrdiff_t>(used + count));
    used += count;
  };
  fill(kHeaderBytes);
  const auto read = read_header(partial_, header);
  if (read == HeaderRead::need_more) return used;
  if (read == HeaderRead::malformed) {
    break_off(Reason::server_protocol_error, "a message of impossible length");
    return rest.size();
  }
  fill(wanted(header));
  if (partial_.size() < wanted(header)) return used;
  const auto whole = std::move(partial_);
  partial_ = {};
  message(header, whole, false, step);
  return used;
}

std::size_t ReplyWalk::wanted(const MessageHeader& header) const {
  switch (header.type) {
    case 'Z':
    case 'S':
      return kHeaderBytes + std::min<std::size_t>(header.body_bytes, kParameterBytesMax);
    case 'N':
      if (state_.owed.empty() || state_.owed.front().inserted == nullptr) return kHeaderBytes;
      [[fallthrough]];
    case 'E':
      return kHeaderBytes + std::min<std::size_t>(header.body_bytes, kErrorHeadBytes);
    case 'C':
      return kHeaderBytes + std::min<std::size_t>(header.body_bytes, kTagBytes);
    case 'T':
      if (!describes_statement()) return kHeaderBytes;
      return kHeaderBytes + std::min<std::size_t>(header.body_bytes, kRowDescriptionBytesMax);
    case 'A':
      return kHeaderBytes + std::min<std::size_t>(header.body_bytes, kNotificationBytesMax);
    case 'D':
      if (!inquires()) return kHeaderBytes;
      return kHeaderBytes + std::min<std::size_t>(header.body_bytes, kInquiryRowBytesMax);
    default:
      return kHeaderBytes;
  }
}

bool ReplyWalk::describes_statement() const {
  if (state_.owed.empty()) return false;
  const auto& front = state_.owed.front();
  return front.reply == Reply::describe && front.statement != nullptr;
}

// The client may not ask again, so what it was told has to hold wherever the statement runs.
void ReplyWalk::note_rows(Bytes description, Step& step) {
  const auto& front = state_.owed.front();
  const auto rows = row_shape_of(description);
  state_.statements.set_rows(front.statement->key, rows);
  const bool told = front.action == Action::forward && step.client != nullptr;
  if (told) step.client->rows_described(front, rows);
}

void ReplyWalk::message(const MessageHeader& header, Bytes read, bool borrowed, Step& step) {
  const auto verdict = judge(header, read.subspan(kHeaderBytes), step);
  passing_ = verdict == Verdict::pass;
  body_left_ = static_cast<std::uint32_t>(kHeaderBytes + header.body_bytes - read.size());
  if (!passing_ || step.client == nullptr) return settle(step);
  if (borrowed) {
    step.out.pass(read);
  } else {
    ByteWriter(step.out.own()).bytes(read);
  }
  settle(step);
}

// Answers that were waiting for their turn follow at once what was before them, except in the
// middle of a message.
void ReplyWalk::settle(Step& step) {
  state_.inside_reply = body_left_ > 0;
  state_.inside_passed = state_.inside_reply && passing_;
  if (body_left_ == 0 && last_words_) broken_ = std::exchange(last_words_, std::nullopt);
  if (body_left_ > 0 || broken_ || state_.owed.empty()) return;
  const auto& front = state_.owed.front();
  if (front.action != Action::fake && front.reply != Reply::copy_end) return;
  if (step.client != nullptr) return settle_fakes(state_.owed, step.out.own());
  ByteBuffer nowhere;
  settle_fakes(state_.owed, nowhere);
}

ReplyWalk::Verdict ReplyWalk::judge(const MessageHeader& header, Bytes body, Step& step) {
  switch (header.type) {
    case 'Z':
      return ready(body, step);
    case 'S':
      return parameter_status(body, step);
    case 'C':
      return command_complete(body, step);
    case 'G':
      return copy_in(step);
    case 'E':
      return error(body, step);
    case 'A':
      return step.client != nullptr && step.client->server_notified(body) ? Verdict::pass
                                                                          : Verdict::drop;
    case 'N':
      return notice(body, step);
    case 'T':
      if (describes_statement()) note_rows(body, step);
      return reply(header.type, step);
    case 'D':
      if (inquires() && step.client != nullptr) step.client->inquiry_row(body);
      return reply(header.type, step);
    default:
      return reply(header.type, step);
  }
}

ReplyWalk::Verdict ReplyWalk::reply(char type, Step&) {
  const auto fit = kFits[static_cast<unsigned char>(type) & 127];
  if (state_.owed.empty() || (fit.allowed & bit(state_.owed.front().reply)) == 0) {
    return break_off(Reason::server_protocol_error,
                     std::string("an answer that nobody asked for: '") + type + "'");
  }
  const auto& front = state_.owed.front();
  const auto verdict = is_unseen(front) ? Verdict::drop : Verdict::pass;
  if (type == 'C' && front.inserted != nullptr) front.inserted->statement_completed();
  if ((fit.ends & bit(front.reply)) != 0) state_.owed.pop();
  return verdict;
}

ReplyWalk::Verdict ReplyWalk::ready(Bytes body, Step& step) {
  if (body.size() != 1) {
    return break_off(Reason::server_protocol_error, "ReadyForQuery without a status");
  }
  if (state_.owed.empty() || !ends_in_ready(state_.owed.front().reply)) {
    if (state_.doubtful) return late_ready(static_cast<char>(body[0]), step);
    return break_off(Reason::server_protocol_error, "ReadyForQuery out of turn");
  }
  state_.status = static_cast<char>(body[0]);
  state_.copying_in = false;
  state_.discarded = false;
  const bool skipped = state_.owed.front().action == Action::skip;
  const bool inquired = state_.owed.front().inquires;
  state_.owed.pop();
  if (inquired && step.client != nullptr) step.client->inquiry_over();
  if (skipped) return Verdict::drop;
  ++state_.requests_ended;
  if (step.client == nullptr) return Verdict::pass;
  step.client->ready(state_.status, step.turn);
  return step.client->holds_ready(state_.status) ? Verdict::drop : Verdict::pass;
}

// A Sync that might have been swallowed by a COPY was not. The client may have it; the server is
// closed afterwards.
ReplyWalk::Verdict ReplyWalk::late_ready(char status, Step& step) {
  if (state_.owed.empty()) {
    state_.status = status;
    state_.skipping = false;
    state_.unsynced = false;
    if (step.client != nullptr) step.client->ready(status, step.turn);
  }
  return Verdict::pass;
}

ReplyWalk::Verdict ReplyWalk::parameter_status(Bytes body, Step& step) {
  ByteReader reader(body);
  const auto name = reader.cstring();
  const auto value = reader.cstring();
  if (!reader.ok()) {
    return break_off(Reason::server_protocol_error, "a ParameterStatus without name or value");
  }
  const bool quiet = !state_.owed.empty() && state_.owed.front().action == Action::skip;
  if (!is_replayable_report(name)) return fact_reported(name, value, quiet, step);
  const auto had = state_.have;
  const auto* known = had->find(name);
  if (step.client == nullptr) {
    if (known == nullptr || *known != value) state_.have = had->with(name, value);
    return Verdict::drop;
  }
  const auto believed = step.client->settings();
  step.client->setting_reported(name, value);
  const auto& now = step.client->settings();
  if (known == nullptr || *known != value) {
    state_.have = had == believed ? now : had->with(name, value);
  }
  return quiet && now == believed ? Verdict::drop : Verdict::pass;
}

// What the replay of a role changes on its way is nobody's business: where the client believes
// otherwise in the end, it is told then.
ReplyWalk::Verdict ReplyWalk::fact_reported(std::string_view name, std::string_view value,
                                            bool quiet, Step& step) {
  const auto* known = state_.facts->find(name);
  if (known == nullptr) return Verdict::pass;
  if (*known != value) {
    state_.facts = state_.facts->with(name, value);
    state_.news = true;
    state_.promoted |= name == kStandbyFact;
    for (auto& [each, text] : state_.reported) {
      if (each == name) text = value;
    }
  }
  if (quiet && name != kStandbyFact) return Verdict::drop;
  if (step.client != nullptr) step.client->fact_reported(name, value);
  return Verdict::pass;
}

ReplyWalk::Verdict ReplyWalk::command_complete(Bytes body, Step& step) {
  const auto text = as_text(body);
  const auto tag = text.substr(0, text.find('\0'));
  if (step.client != nullptr && defines_something(tag)) step.client->schema_changed();
  if (step.client != nullptr && tag == "COMMIT") step.client->committed();
  state_.copying_in = false;
  state_.swallowed_syncs = 0;
  if (tag == "DEALLOCATE ALL" || tag == "DISCARD ALL") {
    if (!planted(Planted::statement_map_stale)) state_.statements.clear();
    const bool all = tag == "DISCARD ALL";
    const bool restored = state_.owed.size() > 1 && state_.owed.at(1).restores;
    if (all && !restored) state_.have = state_.have->without_custom();
    if (!state_.have->prepared().empty()) state_.have = state_.have->with_prepared({});
    const auto* front = state_.owed.empty() ? nullptr : &state_.owed.front();
    state_.discarded = all && front != nullptr && front->reply == Reply::execute;
    const bool asked = front != nullptr && front->action == Action::forward;
    if (step.client != nullptr && asked) {
      step.client->statements_discarded();
      if (all) step.client->session_discarded();
    }
    // Behind that of a client that was lost, more of its requests may stand.
    if (step.client == nullptr && all && !asked) {
      state_.dirty = state_.opaque = state_.listens = false;
    }
  }
  return reply('C', step);
}

ReplyWalk::Verdict ReplyWalk::notice(Bytes body, Step& step) {
  if (state_.owed.empty()) return Verdict::pass;
  const auto& front = state_.owed.front();
  if (front.reply == Reply::parse && front.statement != nullptr) {
    state_.statements.mark_warned(front.statement->key);
  }
  if (is_unseen(front)) return Verdict::drop;
  const bool moved = front.inserted != nullptr && step.client != nullptr &&
                     write_repositioned(step.out.own(), 'N', body, *front.inserted);
  return moved ? Verdict::replaced : Verdict::pass;
}

// From here to CopyDone or CopyFail the server reads copy data and swallows Syncs: those that were
// already sent owe nothing any more.
ReplyWalk::Verdict ReplyWalk::copy_in(Step& step) {
  const auto verdict = reply('G', step);
  if (verdict == Verdict::broken) return verdict;
  state_.copying_in = true;
  const bool extended = state_.owed.front().reply == Reply::execute;
  for (std::size_t i = 1; i < state_.owed.size();) {
    const auto kind = state_.owed.at(i).reply;
    if (kind == Reply::copy_end) {
      state_.copying_in = false;
      break;
    }
    if (kind == Reply::sync) {
      state_.owed.erase(i);
      ++state_.swallowed_syncs;
      // The server is still inside what this Sync was to end.
      if (extended) state_.unsynced = true;
    } else {
      ++i;
    }
  }
  return verdict;
}

ReplyWalk::Verdict ReplyWalk::error(Bytes body, Step& step) {
  const auto fields = read_error_head(body);
  if (fields.severity == "FATAL" || fields.severity == "PANIC") return fatal(fields, step);
  if (state_.owed.empty()) {
    return break_off(Reason::server_protocol_error, "an error that answers nothing");
  }
  if (state_.swallowed_syncs > 0) state_.doubtful = true;
  state_.copying_in = false;
  const auto& front = state_.owed.front();
  if (!ends_in_ready(front.reply)) return statement_error(fields, body, step);
  if (front.action == Action::skip) {
    if (front.reply != Reply::query) return Verdict::drop;
    if (front.prepares && is_of_its_text(fields)) return not_prepared(front);
    if (step.client == nullptr) return break_off(Reason::unclean, std::string(fields.message));
    front.inquires ? step.client->inquiry_failed() : step.client->replay_failed(fields.message);
    return Verdict::drop;
  }
  if (front.inserted != nullptr && step.client != nullptr &&
      write_repositioned(step.out.own(), 'E', body, *front.inserted)) {
    return Verdict::replaced;
  }
  return replace_error(front, fields, step) ? Verdict::replaced : Verdict::pass;
}

// Its table is gone, most likely, or is not the role's to use: who executes it is told that it is
// not there.
ReplyWalk::Verdict ReplyWalk::not_prepared(const OwedReply& front) {
  state_.have = state_.have->without_prepared(front.name);
  return Verdict::drop;
}

// An error in the extended protocol: the server ignores everything up to the next Sync, so nothing
// before that is owed any more, and what was to change the session's statements did not.
ReplyWalk::Verdict ReplyWalk::statement_error(const ErrorFields& fields, Bytes body, Step& step) {
  if (step.client != nullptr && is_stale_plan(fields)) step.client->schema_changed();
  if (step.client != nullptr && replan(fields, state_)) return Verdict::drop;
  // PostgreSQL commits DISCARD ALL at once, but before 15.1 took it back with what failed behind
  // it.
  if (state_.discarded) state_.doubtful = true;
  const auto& front = state_.owed.front();
  const bool replaced = replace_error(front, fields, step) || rename(front, body, step);
  skip_to_sync(step);
  if (!state_.skipping) take_back_stand_in(state_, state_.resend);
  return replaced ? Verdict::replaced : Verdict::pass;
}

ReplyWalk::Verdict ReplyWalk::fatal(const ErrorFields& fields, Step& step) {
  if (step.client != nullptr) step.client->fatal_forwarded();
  const bool shutdown = fields.sqlstate.starts_with("57P");
  last_words_ =
      Broken{shutdown ? Reason::server_shutdown : Reason::server_lost, std::string(fields.message)};
  return Verdict::pass;
}

bool ReplyWalk::replace_error(const OwedReply& front, const ErrorFields& fields, Step& step) {
  if (front.error == Reason::none || step.client == nullptr) return false;
  const bool duplicate = front.error == Reason::duplicate_statement;
  if (front.error == Reason::rows_changed) {
    write_error(step.out.own(), ErrorText{.sqlstate = info(front.error).sqlstate,
                                          .message = std::string(info(front.error).text),
                                          .routine = kStalePlanRoutine});
    return true;
  }
  if (!duplicate && front.error != Reason::unknown_statement) {
    write_error(step.out.own(), front.error, "ERROR", front.name);
    return true;
  }
  const bool provoked = duplicate && front.reply != Reply::parse;
  if (!provoked && fields.sqlstate != info(front.error).sqlstate) return false;
  const auto* what = duplicate ? " already exists" : " does not exist";
  const auto which = front.name.empty() ? "unnamed prepared statement"
                                        : "prepared statement \"" + front.name + "\"";
  write_error(step.out.own(),
              ErrorText{.sqlstate = info(front.error).sqlstate, .message = which + what});
  return true;
}

bool ReplyWalk::rename(const OwedReply& front, Bytes body, Step& step) {
  return front.statement != nullptr && step.client != nullptr &&
         write_renamed_error(step.out.own(), body, front.statement->server_name, front.name);
}

void ReplyWalk::skip_to_sync(Step& step) {
  std::size_t skipped = 1;
  while (skipped < state_.owed.size() && state_.owed.at(skipped).reply != Reply::sync) ++skipped;
  state_.skipping = skipped == state_.owed.size();
  OwedReply* later = nullptr;
  for (auto i = skipped; i < state_.owed.size() && later == nullptr; ++i) {
    if (state_.owed.at(i).changes_unnamed()) later = &state_.owed.at(i);
  }
  for (auto i = skipped; i-- > 0;) undo(state_.owed.at(i), i == 0, later, step);
  for (; skipped > 0; --skipped) state_.owed.pop();
}

// Undone from the last to the first, so that each finds the map as it left it. The unnamed
// statement may have been replaced since, by a request behind the Sync (`later`): then only what
// that one would go back to is put right.
void ReplyWalk::undo(const OwedReply& request, bool failed, OwedReply* later, Step& step) {
  const bool asked_server = request.action != Action::fake;
  if (failed && request.reply == Reply::execute && request.before != nullptr &&
      request.before->kept) {
    state_.stand_in = request.name;
  }
  // A RESET before it may have been committed, and no report tells of custom settings.
  if (request.restores) state_.have = state_.have->with_custom_unknown();
  if (request.statement != nullptr && asked_server && request.reply == Reply::parse) {
    if (request.statement->server_name.empty()) {
      if (later == nullptr) state_.unnamed.reset();
      if (later != nullptr) later->before_was_there = false;
    } else {
      state_.statements.remove(request.statement->key);
    }
  }
  if (request.statement != nullptr && asked_server && request.reply == Reply::close) {
    // It is closed to make room, or because it is stale, and which of them is not kept.
    state_.statements.add(request.statement);
    state_.statements.mark_stale(request.statement->key);
  }
  const bool unnamed = request.changes_unnamed();
  if (unnamed) undo_unnamed(request, failed, later);
  const bool replaced_since = unnamed && later != nullptr;
  if (step.client != nullptr && request.action != Action::skip && !replaced_since) {
    step.client->undone(request, failed);
  }
}

// A Parse that fails takes the unnamed statement of before with it; one that is skipped does not.
void ReplyWalk::undo_unnamed(const OwedReply& request, bool failed, OwedReply* later) {
  const bool is_there = !failed && request.before_was_there;
  if (later == nullptr) {
    state_.unnamed = is_there ? request.before : nullptr;
  } else {
    later->before = failed ? nullptr : request.before;
    later->before_was_there = is_there;
  }
}

ReplyWalk::Verdict ReplyWalk::break_off(Reason reason, std::string detail) {
  broken_ = Broken{reason, std::move(detail)};
  return Verdict::broken;
}

}  // namespace tidegate::postgres
