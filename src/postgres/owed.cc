#include "postgres/owed.h"

#include <utility>

#include "base/check.h"
#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kFirstCapacity = 8;

bool ends_ready(Reply reply) {
  return reply == Reply::sync || reply == Reply::query || reply == Reply::function_call;
}

void write_fake(const OwedReply& fake, ByteBuffer& out) {
  switch (fake.reply) {
    case Reply::parse:
      return write_parse_complete(out);
    case Reply::close:
      return write_close_complete(out);
    case Reply::execute:
      return write_command_complete(out, fake.name);
    default:
      TG_CHECK(!"only a Parse, a Close or a command is answered in the server's place");
  }
}

}  // namespace

OwedReply& OwedQueue::push(Reply reply, Action action) {
  if (count_ == ring_.size()) grow();
  ++count_;
  if (ends_ready(reply)) ++readies_;
  auto& pushed = back();
  pushed.reply = reply;
  pushed.action = action;
  return pushed;
}

void OwedQueue::pop() {
  TG_CHECK(count_ > 0);
  forget(front());
  head_ = (head_ + 1) & (ring_.size() - 1);
  --count_;
}

void OwedQueue::pop_back() {
  TG_CHECK(count_ > 0);
  forget(back());
  --count_;
}

void OwedQueue::front_to_back() {
  TG_CHECK(count_ > 0);
  if (count_ == ring_.size()) grow();
  std::swap(at(0), at(count_));
  head_ = (head_ + 1) & (ring_.size() - 1);
}

void OwedQueue::erase(std::size_t index) {
  TG_CHECK(index < count_);
  for (auto i = index; i + 1 < count_; ++i) std::swap(at(i), at(i + 1));
  pop_back();
}

void OwedQueue::clear() {
  while (!empty()) pop_back();
}

// A slot that is free is a default OwedReply, but for the capacity of its name.
void OwedQueue::forget(OwedReply& reply) {
  if (ends_ready(reply.reply)) --readies_;
  reply.error = Reason::none;
  reply.of_portal = false;
  reply.restores = reply.prepares = reply.inquires = false;
  reply.inserted.reset();
  reply.name.clear();
  reply.statement.reset();
  reply.before.reset();
  reply.before_was_there = false;
}

void OwedQueue::grow() {
  std::vector<OwedReply> larger(ring_.empty() ? kFirstCapacity : ring_.size() * 2);
  for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move(at(i));
  ring_ = std::move(larger);
  head_ = 0;
}

void settle_fakes(OwedQueue& owed, ByteBuffer& out) {
  while (!owed.empty()) {
    const auto& front = owed.front();
    if (front.action == Action::fake) {
      write_fake(front, out);
    } else if (front.reply != Reply::copy_end) {
      return;
    }
    owed.pop();
  }
}

}  // namespace tidegate::postgres
