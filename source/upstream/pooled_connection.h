#pragma once

#include <cstdint>
#include <memory>

#include "source/event/event_loop.h"
#include "source/upstream/pool.h"

namespace narthex {

// A connection of a pool, with its timers and what it counts towards. Loop-confined. Internal to the pool.
//
//   kConnecting -> kIdle         connected
//   kIdle       -> kBusy         lent to a request
//   kBusy       -> kIdle         its exchange has ended in good order, or the request was given up unsent
//   any         -> kClosed       failed, timed out, worn out, drained; destroyed at the end of the loop's
//   turn,
//                                but not before a lease on it has ended
class PooledConnection final : public ClientConnectionOwner {
 public:
  enum class State : uint8_t { kConnecting, kIdle, kBusy, kClosed };

  PooledConnection(Pool& pool, Priority priority);
  ~PooledConnection() override;

  void OnIdle(ClientConnection& connection) override;
  void OnBroken(ClientConnection& connection) override;

 private:
  friend class Lease;
  friend class Pool;

  static void OnIdleTimeout(void* self);
  static void OnMaxDuration(void* self);
  Task<void> Connect();
  void CountRequestStart(Priority priority);
  void CountRequestEnd();
  void CountClosed(bool busy, bool remote);

  Pool& pool_;
  const Priority priority_;  // whose connection breaker it counts towards
  Priority request_priority_ = Priority::kDefault;
  State state_ = State::kConnecting;
  bool retired_ = false;  // closed instead of becoming idle
  bool request_counted_ = false;
  Lease* lease_ = nullptr;
  size_t index_ = 0;  // in the pool's connections
  uint64_t created_us_ = 0;
  std::unique_ptr<ClientConnection> connection_;
  Address local_;
  Timer idle_timer_, duration_timer_;
  Task<void> connecting_;
};

}  // namespace narthex
