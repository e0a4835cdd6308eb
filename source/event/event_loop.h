#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "source/event/heavy_work.h"
#include "source/event/timer_wheel.h"
#include "source/event/turn_end.h"

namespace narthex {

// What the kernel said of a file descriptor since the last call (edge-triggered).
struct IoReadiness {
  bool readable;
  bool writable;
  bool closed;  // the peer closed its sending side, or the socket failed
};

// Receives readiness; called from the event loop only.
class IoHandler {
 public:
  virtual ~IoHandler() = default;
  virtual void OnReady(IoReadiness readiness) = 0;
};

// A registration of one descriptor with a loop, made once for both directions; destroying it unregisters.
// Must be destroyed before the descriptor is closed.
class IoRegistration {
 public:
  virtual ~IoRegistration() = default;
};

// One thread's event loop: descriptors, deadlines, posted work, deferred deletion. Everything but Post and
// Stop is loop-confined. The only code that knows libevent is behind it.
class EventLoop {
 public:
  static std::unique_ptr<EventLoop> Make();
  virtual ~EventLoop() = default;

  // Runs until Stop. What was posted before Stop is done before Run returns.
  virtual void Run() = 0;
  // One turn without waiting for anything: for tests and for draining at the end.
  virtual void RunOnce() = 0;
  // Ends Run soon. Thread-safe.
  virtual void Stop() = 0;
  // Runs `work` on the loop's thread in its next turn. Thread-safe.
  virtual void Post(std::function<void()> work) = 0;

  // Registers `fd` for reading and writing, edge-triggered, until the registration is destroyed.
  virtual std::unique_ptr<IoRegistration> Register(int fd, IoHandler& handler) = 0;
  // Calls `handler` on the loop when the process gets `signal`. Only one loop of a process may take signals.
  virtual std::unique_ptr<IoRegistration> OnSignal(int signal, std::function<void()> handler) = 0;

  // Destroys `object` in this turn's end, when no coroutine is on the stack. The way to die from inside.
  template <class T>
  void DeleteLater(std::unique_ptr<T> object) {
    DeleteLaterErased(std::shared_ptr<void>(std::move(object)));
  }

  // Does `work` once in this turn's end, before what is to be deleted goes, or in the next turn's when there
  // is none now.
  void AtTurnEnd(TurnEnd& work) { turn_end_.Add(work); }

  // Does `work` behind all that this turn's events have brought, but no more than one such work a turn, of
  // each rank the oldest first: while many wait, each event of others waits for one of them at most.
  void InATurnOfItsOwn(HeavyWork& work, HeavyRank rank) { heavy_.Add(work, rank); }

  // The monotonic clock as it was when this turn began, in milliseconds; free of a system call.
  uint64_t NowMs() const { return wheel().now(); }
  // The wall clock of this turn.
  virtual std::chrono::system_clock::time_point WallNow() const = 0;
  // The monotonic clock of this turn in microseconds: for latencies.
  virtual uint64_t NowUs() const = 0;
  virtual TimerWheel& wheel() = 0;
  virtual const TimerWheel& wheel() const = 0;

 protected:
  virtual void DeleteLaterErased(std::shared_ptr<void> object) = 0;

  // For implementations: runs and empties it at each turn's end, and does not wait while it holds anything.
  TurnEndList turn_end_;
  // Likewise: one of it a turn.
  HeavyTurns heavy_;
};

}  // namespace narthex
