#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "source/event/timer_wheel.h"

namespace narthex {

// The response code detail: Envoy's word for a client that stands still, and ours for how.
inline constexpr std::string_view kClientTooSlow = "stream_idle_timeout;client_too_slow";

// Whether a client keeps up: of each ten seconds that the gateway waits for it, it must send or receive so
// many bytes a second on the average. One that drips bytes to hold a connection does not (slowloris and its
// kin); a timeout that each byte puts off would never strike. Time in which the gateway waits for somebody
// else does not count. Loop-confined; does not move.
class ClientPace {
 public:
  static constexpr std::chrono::milliseconds kWindow{10'000};

  enum class Side : uint8_t { kSends, kReceives };
  // All are called with `context`, `too_slow` from the loop.
  struct Watch {
    uint64_t bytes_per_second;
    // How much the client has sent, or received, so far; only differences count.
    int64_t (*moved)(void* context, Side side);
    void (*too_slow)(void* context);
    void* context;
  };

  ClientPace(TimerWheel& wheel, Watch watch)
      : wheel_(wheel), watch_(watch), timer_(wheel, &ClientPace::OnTimer, this) {}

  // The gateway begins to wait for the client to move on that side.
  void Wait(Side side);
  // It waits no longer. May be called when it does not.
  void Go();
  // As if it had never waited.
  void Stop() {
    timer_.Cancel();
    waiting_ = false;
  }

 private:
  static void OnTimer(void* self);
  void Begin(Side side);
  uint64_t Waited() const { return waited_ + (waiting_ ? wheel_.now() - since_ : 0); }

  TimerWheel& wheel_;
  const Watch watch_;
  Timer timer_;
  int64_t moved_ = 0;    // when the window began
  uint64_t waited_ = 0;  // milliseconds of the window, without the present wait
  uint64_t since_ = 0;   // the present wait's beginning
  Side side_ = Side::kSends;
  bool waiting_ = false;
};

}  // namespace narthex
