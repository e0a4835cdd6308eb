#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/net/stream.h"
#include "source/stats/stats.h"

namespace narthex {

// What a relay has moved, for whoever watches it while it runs.
struct RelayCounts {
  uint64_t received = 0;  // bytes from the downstream
  uint64_t sent = 0;      // bytes to the downstream
  uint64_t moved_ms = 0;  // when the last byte was read or written, by the loop's clock
};

// The same of all relays, and how often one had to wait before it read more of the downstream.
struct RelayStats {
  Counter received, sent, reading_paused, reading_resumed;
};

// How a relay came to its end.
enum class RelayEnd : uint8_t {
  kDownstreamLast,  // both sides ended in order, the upstream first
  kUpstreamLast,    // likewise, the downstream first
  kDownstreamFailed,
  kUpstreamFailed,
};

// co_await Relay(...): passes bytes both ways until both sides have ended, or one has failed. The end of one
// side is passed on behind its bytes, and the other direction goes on. When one has failed before its end,
// the other will be aborted (RST) as it is closed. No more is read of a side than `read_size` bytes until the
// other has taken them. Has no timeout of its own. Destroying it stops it; the streams stay. It uses their
// close hooks. All references outlive it. Loop-confined; no frame of its own.
class [[nodiscard]] Relay {
 public:
  Relay(EventLoop& loop, Stream& downstream, Stream& upstream, RelayCounts& counts, const RelayStats& stats,
        size_t read_size);
  Relay(const Relay&) = delete;
  ~Relay();

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting);
  RelayEnd await_resume() const { return end_; }

 private:
  // One of the two.
  struct Direction {
    Relay& relay;
    Stream& from;
    Stream& to;
    const bool from_downstream;
    bool ended = false;  // and that was passed on
    Task<void> task = {};

    RelayEnd failed(bool reading) const {
      return reading == from_downstream ? RelayEnd::kDownstreamFailed : RelayEnd::kUpstreamFailed;
    }
  };

  Task<void> Pump(Direction& direction);
  void CountRead(const Direction& direction, size_t bytes);
  void CountWritten(const Direction& direction, size_t bytes);
  void PassEndOn(Direction& direction);
  void Fail(Direction& direction, bool reading);
  void PassFailureOn(RelayEnd end);
  void Finish(Direction& direction, RelayEnd end);
  static void OnClosed(void* direction);

  EventLoop& loop_;
  RelayCounts& counts_;
  const RelayStats& stats_;
  const size_t read_size_;
  Direction up_, down_;  // from the downstream, and from the upstream
  bool finished_ = false;
  RelayEnd end_ = RelayEnd::kDownstreamLast;
  std::coroutine_handle<> awaiting_;
};

}  // namespace narthex
