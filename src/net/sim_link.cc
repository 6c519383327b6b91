#include "net/sim_link.h"

#include <algorithm>

#include "net/sim_network.h"

namespace tidegate::net {

namespace {
int other(int end) {
  return 1 - end;
}
// Pieces of one send; more would only cost simulated events.
constexpr std::int64_t kPiecesMax = 6;
// As Nagle's algorithm and a delayed acknowledgement do together.
constexpr Duration kHeldBackMax = 40ms;
}  // namespace

SimLink::SimLink(SimNetwork& network, Duration latency, std::size_t window_bytes)
    : network_(network), latency_(latency), window_bytes_(window_bytes) {}

Duration SimLink::flight_time() {
  return latency_ + network_.random().between(Duration{0}, latency_ / 4);
}

std::size_t SimLink::send(int end, Bytes bytes) {
  auto& direction = directions_[end];
  if (ends_[end].was_reset || direction.fin_sent || bytes.empty()) return 0;
  const auto held = direction.flying_bytes + direction.unread();
  auto take = std::min(bytes.size(), window_bytes_ - std::min(window_bytes_, held));
  if (take > 1 && network_.strikes(SimFault::short_write)) {
    take = 1 + network_.random().below(take - 1);
    changed_later(end);
  } else if (take < bytes.size()) {
    direction.sender_blocked = true;
  }
  auto rest = bytes.first(take);
  const bool split = take > 1 && network_.strikes(SimFault::split_segment);
  for (auto pieces = split ? network_.random().between(2, kPiecesMax) : 1; pieces > 1; --pieces) {
    if (rest.size() < 2) break;
    const auto here =
        network_.random().one_in(3) ? 1 : 1 + network_.random().below(rest.size() - 1);
    launch(end, Kind::data, rest.first(here));
    rest = rest.subspan(here);
  }
  if (!rest.empty()) launch(end, Kind::data, rest);
  return take;
}

std::size_t SimLink::receive(int end, MutableBytes out) {
  auto& direction = directions_[other(end)];
  const auto count = std::min(out.size(), direction.unread());
  std::copy_n(direction.received.begin() + static_cast<std::ptrdiff_t>(direction.read_offset),
              count, out.begin());
  direction.read_offset += count;
  if (direction.unread() == 0) {
    direction.received.clear();
    direction.read_offset = 0;
  }
  if (count > 0 && direction.sender_blocked) {
    direction.sender_blocked = false;
    changed_later(other(end));
  }
  return count;
}

void SimLink::finish(int end) {
  auto& direction = directions_[end];
  if (direction.fin_sent || ends_[end].was_reset) return;
  direction.fin_sent = true;
  launch(end, Kind::fin, {});
}

void SimLink::leave(int end) {
  ends_[end].gone = true;
  ends_[end].gone_at = network_.now();
  ends_[end].watcher = nullptr;
}

void SimLink::reset(int end) {
  leave(end);
  if (ends_[end].was_reset) return;
  auto& direction = directions_[end];
  if (network_.random().one_in(2)) {  // what was on its way may or may not get there first
    direction.flying.clear();
    direction.flying_bytes = 0;
  }
  launch(end, Kind::reset, {});
}

void SimLink::release(int end) {
  const bool unread = directions_[other(end)].unread() > 0;
  if (unread) {
    reset(end);
    return;
  }
  finish(end);
  leave(end);
}

void SimLink::launch(int sender, Kind kind, Bytes bytes) {
  auto& direction = directions_[sender];
  // What is sent behind a segment that comes late arrives with it.
  const bool late = kind == Kind::data && network_.strikes(SimFault::coalesced);
  const auto held_back = late ? network_.random().between(1ms, kHeldBackMax) : Duration{0};
  const auto at = std::max(network_.now() + flight_time() + held_back, direction.last_arrival);
  direction.last_arrival = at;
  direction.flying_bytes += bytes.size();
  direction.flying.push_back({kind, at, ByteBuffer(bytes.begin(), bytes.end())});
  network_.at(at, [self = shared_from_this(), sender] { self->arrive(sender); });
}

void SimLink::arrive(int sender) {
  auto& direction = directions_[sender];
  bool landed = false;
  while (!direction.clogged && !direction.flying.empty() &&
         direction.flying.front().at <= network_.now()) {
    auto segment = std::move(direction.flying.front());
    direction.flying.pop_front();
    direction.flying_bytes -= segment.bytes.size();
    land(sender, std::move(segment));
    landed = true;
  }
  if (landed) changed(other(sender));
}

void SimLink::land(int sender, Segment segment) {
  auto& direction = directions_[sender];
  auto& end = ends_[other(sender)];
  network_.note(segment.bytes.size() * 4 + static_cast<unsigned>(segment.kind));
  if (end.was_reset) return;  // the kernel there knows no such connection any more
  switch (segment.kind) {
    case Kind::data:
      // Nobody is there to read: the kernel answers with a reset.
      if (end.gone) {
        if (!ends_[sender].was_reset && !ends_[sender].gone) launch(other(sender), Kind::reset, {});
        return;
      }
      direction.received.insert(direction.received.end(), segment.bytes.begin(),
                                segment.bytes.end());
      return;
    case Kind::fin:
      direction.fin_arrived = true;
      return;
    case Kind::reset:
      end.was_reset = true;
      if (network_.random().one_in(2)) {
        direction.received.clear();
        direction.read_offset = 0;
      }
      return;
  }
}

void SimLink::changed(int end) {
  if (ends_[end].watcher != nullptr) ends_[end].watcher->socket_changed();
}

void SimLink::changed_later(int end) {
  network_.at(network_.now() + flight_time(),
              [self = shared_from_this(), end] { self->changed(end); });
}

void SimLink::clog(int sender, bool clogged) {
  directions_[sender].clogged = clogged;
  if (!clogged) arrive(sender);
}

void SimLink::cut() {
  for (int end = 0; end < 2; ++end) {
    directions_[end].flying.clear();
    directions_[end].flying_bytes = 0;
    if (!ends_[other(end)].was_reset) launch(end, Kind::reset, {});
  }
}

SimSocket& SimSocket::operator=(SimSocket&& from) noexcept {
  if (this == &from) return *this;
  close();
  link_ = std::move(from.link_);
  end_ = from.end_;
  return *this;
}

void SimSocket::watch(SimSocketWatcher* watcher) {
  link_->ends_[end_].watcher = watcher;
}

std::size_t SimSocket::readable() const {
  return link_->directions_[other(end_)].unread();
}

bool SimSocket::at_end() const {
  return link_->directions_[other(end_)].fin_arrived && readable() == 0;
}

bool SimSocket::was_reset() const {
  return link_->ends_[end_].was_reset;
}

void SimSocket::reset() {
  if (link_ == nullptr) return;
  link_->reset(end_);
  link_ = nullptr;
}

void SimSocket::close() {
  if (link_ == nullptr) return;
  link_->release(end_);
  link_ = nullptr;
}

}  // namespace tidegate::net
