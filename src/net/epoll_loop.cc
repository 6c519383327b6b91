#include "net/epoll_loop.h"

#include <algorithm>

#include "base/check.h"
#include "net/clock.h"
#include "net/socket_options.h"

namespace tidegate::net {

std::unique_ptr<EpollReactor> EpollReactor::make(Offload& offload, const Options& options) {
  return std::make_unique<EpollLoop>(offload, options);
}

EpollLoop::EpollLoop(Offload& offload, const Options& options)
    : offload_(offload),
      poller_(counters_),
      wheel_(monotonic_now()),
      streams_({poller_, blocks_, wheel_, counters_, now_}),
      acceptors_(poller_, wheel_, now_, counters_),
      resolver_(poller_, wheel_, now_, options) {
  tell_time();
  TG_CHECK(
      poller_.add(mailbox_.descriptor(), EPOLLIN | EPOLLET, Source::of(SourceKind::mailbox, 0)));
}

EpollLoop::~EpollLoop() = default;

void EpollLoop::run(TurnHandler& turn) {
  while (!stopped_.load(std::memory_order_relaxed)) run_once(turn, Duration::max());
}

void EpollLoop::stop() {
  post([this] { stopped_.store(true, std::memory_order_relaxed); });
}

void EpollLoop::run_once(TurnHandler& turn, Duration wait_max) {
  take_events(wait_max);
  streams_.serve_ready();
  resolver_.deliver();
  mailbox_.run_all();
  expire_timers();
  another_turn_ = turn.settle();
  streams_.flush_dirty();
}

void EpollLoop::tell_time() {
  now_ = monotonic_now();
  wall_now_ = calendar_now();
}

void EpollLoop::take_events(Duration wait_max) {
  int timeout_ms = sleep_ms(wait_max);
  if (timeout_ms != 0 && !mailbox_.prepare_to_sleep()) timeout_ms = 0;
  const auto events = poller_.wait(timeout_ms);
  if (timeout_ms != 0) mailbox_.woke_up();
  tell_time();
  ++counters_.turns;
  streams_.begin_turn();
  for (const auto& event : events) dispatch(event);
}

// Milliseconds, rounded up; -1 for ever.
int EpollLoop::sleep_ms(Duration wait_max) const {
  if (another_turn_ || streams_.has_work() || resolver_.has_answers()) return 0;
  const auto deadline = wheel_.next_deadline();
  if (!deadline.is_never()) wait_max = std::min(wait_max, deadline - now_);
  if (wait_max <= Duration{0}) return 0;
  if (wait_max == Duration::max()) return -1;
  constexpr std::int64_t kMost = 3'600'000;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait_max).count();
  return static_cast<int>(std::min<std::int64_t>(ms, kMost));
}

void EpollLoop::dispatch(const epoll_event& event) {
  const Source source{event.data.u64};
  switch (source.kind()) {
    case SourceKind::stream:
      return streams_.on_event(source.stream(), event.events);
    case SourceKind::listener:
      return acceptors_.on_event(source.index());
    case SourceKind::resolver:
      return resolver_.on_event(source.index(), event.events);
    case SourceKind::mailbox:
      return;  // the turn looks into it anyway
  }
}

void EpollLoop::expire_timers() {
  wheel_.advance(now_);
  for (TimerWheel::Expired due; wheel_.pop_expired(due);) {
    due.handler->timer_fired(due.timer, due.cookie);
  }
}

StreamId EpollLoop::connect(const Address& address, const ConnectOptions& options,
                            StreamHandler* handler) {
  return streams_.connect(address, options, handler);
}

StreamId EpollLoop::adopt(ParcelPtr parcel, StreamHandler* handler) {
  return streams_.adopt(std::move(parcel), handler);
}

ParcelPtr EpollLoop::detach(StreamId stream) {
  return streams_.detach(stream);
}

void EpollLoop::set_handler(StreamId stream, StreamHandler* handler) {
  streams_.set_handler(stream, handler);
}

bool EpollLoop::write(StreamId stream, Bytes bytes) {
  return streams_.write(stream, bytes);
}

std::size_t EpollLoop::queued(StreamId stream) const {
  return streams_.queued(stream);
}

void EpollLoop::pause_reading(StreamId stream) {
  streams_.pause_reading(stream);
}

void EpollLoop::resume_reading(StreamId stream) {
  streams_.resume_reading(stream);
}

void EpollLoop::end_output(StreamId stream) {
  streams_.end_output(stream);
}

void EpollLoop::close(StreamId stream, CloseMode mode) {
  streams_.close(stream, mode);
}

void EpollLoop::start_tls_server(StreamId stream, TlsContextRef context, Bytes early) {
  streams_.start_tls_server(stream, std::move(context), early);
}

void EpollLoop::start_tls_client(StreamId stream, TlsContextRef context, const std::string& name) {
  streams_.start_tls_client(stream, std::move(context), name);
}

bool EpollLoop::is_secured(StreamId stream) const {
  return streams_.is_secured(stream);
}

Address EpollLoop::local_address(StreamId stream) const {
  return local_address_of(streams_.descriptor(stream));
}

Address EpollLoop::peer_address(StreamId stream) const {
  return peer_address_of(streams_.descriptor(stream));
}

TimerId EpollLoop::arm(Instant when, TimerHandler* handler, std::uint64_t cookie) {
  return wheel_.arm(when, handler, cookie);
}

void EpollLoop::rearm(TimerId timer, Instant when) {
  wheel_.rearm(timer, when);
}

void EpollLoop::disarm(TimerId timer) {
  wheel_.disarm(timer);
}

void EpollLoop::resolve(const Target& target, std::move_only_function<void(Resolved)> done) {
  resolver_.resolve(target, std::move(done));
}

void EpollLoop::offload(Task job, Task done) {
  if (offload_.run(std::move(job), std::move(done), *this)) return;
  // The queue is full: the worker does it itself, which is what slows down whoever filled it.
  post([job = std::move(job), done = std::move(done)]() mutable {
    job();
    done();
  });
}

void EpollLoop::post(Task task) {
  mailbox_.post(std::move(task));
}

ListenerId EpollLoop::accept_from(std::shared_ptr<Listener> listener, AcceptHandler* handler) {
  return acceptors_.add(std::move(listener), handler);
}

void EpollLoop::stop_accepting(ListenerId listener) {
  acceptors_.remove(listener);
}

}  // namespace tidegate::net
