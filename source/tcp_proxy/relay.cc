#include "source/tcp_proxy/relay.h"

#include <utility>

#include "source/base/buffer.h"
#include "source/event/next_turn.h"

namespace narthex {

namespace {

// After so many reads that met no wait, other connections of the loop have their turn.
constexpr int kReadsATurn = 16;

}  // namespace

Relay::Relay(EventLoop& loop, Stream& downstream, Stream& upstream, RelayCounts& counts,
             const RelayStats& stats, size_t read_size)
    : loop_(loop),
      counts_(counts),
      stats_(stats),
      read_size_(read_size),
      up_{*this, downstream, upstream, true},
      down_{*this, upstream, downstream, false} {}

Relay::~Relay() {
  up_.from.SetCloseHook(nullptr, nullptr);
  down_.from.SetCloseHook(nullptr, nullptr);
}

bool Relay::await_suspend(std::coroutine_handle<> awaiting) {
  for (Direction* direction : {&up_, &down_}) {
    if (finished_) return false;
    direction->from.SetCloseHook(&Relay::OnClosed, direction);
    direction->task = Pump(*direction);
    direction->task.Start();
  }
  if (finished_) return false;
  awaiting_ = awaiting;
  return true;
}

Task<void> Relay::Pump(Direction& direction) {
  Buffer bytes;
  for (int reads = 1;; ++reads) {
    const IoResult read = direction.from.Read(bytes, read_size_);
    if (read.kind == IoResult::Kind::kWouldBlock) {
      reads = 0;
      co_await direction.from.Readable();
      continue;
    }
    if (read.kind == IoResult::Kind::kEnd) co_return PassEndOn(direction);
    if (!read.ok()) co_return Fail(direction, /*reading=*/true);
    CountRead(direction, read.bytes);
    while (!bytes.empty()) {
      const IoResult written = direction.to.Write(bytes);
      CountWritten(direction, written.bytes);
      if (written.ok()) break;
      if (written.kind != IoResult::Kind::kWouldBlock) {
        co_return Fail(direction, /*reading=*/false);
      }
      reads = 0;
      if (direction.from_downstream) stats_.reading_paused.Add();
      co_await direction.to.Writable();
      if (direction.from_downstream) stats_.reading_resumed.Add();
    }
    if (reads >= kReadsATurn) {
      reads = 0;
      co_await NextTurn(loop_);
    }
  }
}

void Relay::CountRead(const Direction& direction, size_t bytes) {
  counts_.moved_ms = loop_.NowMs();
  if (!direction.from_downstream) return;
  counts_.received += bytes;
  stats_.received.Add(bytes);
}

void Relay::CountWritten(const Direction& direction, size_t bytes) {
  if (bytes == 0) return;
  counts_.moved_ms = loop_.NowMs();
  if (direction.from_downstream) return;
  counts_.sent += bytes;
  stats_.sent.Add(bytes);
}

void Relay::PassEndOn(Direction& direction) {
  direction.to.ShutdownWrite();
  direction.ended = true;
  if (!up_.ended || !down_.ended) return;
  Finish(direction, direction.from_downstream ? RelayEnd::kDownstreamLast : RelayEnd::kUpstreamLast);
}

void Relay::Fail(Direction& direction, bool reading) {
  const RelayEnd end = direction.failed(reading);
  PassFailureOn(end);
  Finish(direction, end);
}

// An end in order would make a stream that was cut look whole. A side that has the other's end already, in
// order and behind all of its bytes, has nothing to learn.
void Relay::PassFailureOn(RelayEnd end) {
  const Direction& from_failed = end == RelayEnd::kDownstreamFailed ? up_ : down_;
  if (!finished_ && !from_failed.ended) from_failed.to.AbortOnClose();
}

// The awaiting frame goes on from this task's end, for it may destroy the task.
void Relay::Finish(Direction& direction, RelayEnd end) {
  if (std::exchange(finished_, true)) return;
  end_ = end;
  if (awaiting_) direction.task.Prepare(awaiting_);
}

// From the loop: a side that nobody reads just now, because the other takes nothing or because this one has
// ended before, has ended or failed. Its end can wait; a failure can't, for nobody else would notice it. Once
// its end was passed to it too, a connection that is closed in order looks like one that failed.
void Relay::OnClosed(void* direction) {
  Direction& closed = *static_cast<Direction*>(direction);
  Relay& relay = closed.relay;
  const Direction& towards = closed.from_downstream ? relay.down_ : relay.up_;
  if (relay.finished_ || towards.ended || !closed.from.Failed()) {
    closed.from.SetCloseHook(&Relay::OnClosed, direction);
    return;
  }
  relay.end_ = closed.failed(/*reading=*/true);
  relay.PassFailureOn(relay.end_);
  relay.finished_ = true;
  if (relay.awaiting_) relay.awaiting_.resume();
}

}  // namespace narthex
