#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace narthex {

class TimerWheel;

// A deadline in a wheel. Destroying or cancelling it unlinks it, in constant time. Loop-confined; does not
// move.
class Timer {
 public:
  using Callback = void (*)(void* context);

  // When it fires, callback(context) is called from the event loop, once per arming.
  Timer(TimerWheel& wheel, Callback callback, void* context)
      : wheel_(wheel), callback_(callback), context_(context) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Cancel(); }

  // Arms it, or moves it when it is armed. Fires at the first tick after `delay`, never early.
  void Arm(std::chrono::milliseconds delay);
  void Cancel();
  bool armed() const { return link_ != nullptr; }
  // How long until it fires; 0 when it is not armed.
  std::chrono::milliseconds left() const;

 private:
  friend class TimerWheel;
  void Unlink();

  TimerWheel& wheel_;
  Callback callback_;
  void* context_;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;
  uint64_t due_ = 0;
  // The tick whose slot it stands in. One that is moved to a later time, as idle timers are with each
  // request, stays there and is put again when that tick comes.
  uint64_t placed_ = 0;
};

// A hierarchical timing wheel (Varghese and Lauck, 1987) of 1 ms ticks: four levels of 256 slots, so arming,
// cancelling and firing cost O(1), and a timer moves down at most three times. Loop-confined.
class TimerWheel {
 public:
  explicit TimerWheel(uint64_t now_ms) : now_(now_ms) {}
  TimerWheel(const TimerWheel&) = delete;
  ~TimerWheel();

  // Fires everything due up to `now_ms`. Callbacks may arm, cancel and destroy timers, also their own.
  void Advance(uint64_t now_ms);
  // Milliseconds until the next tick that must be looked at; -1 when no timer is armed.
  int64_t NextDelay() const;
  uint64_t now() const { return now_; }
  size_t armed() const { return armed_; }

 private:
  friend class Timer;
  static constexpr int kLevels = 4;
  static constexpr int kBits = 8;
  static constexpr int kSlots = 1 << kBits;

  void Insert(Timer* timer);
  void Cascade(int level);
  void Fire(int slot);
  int NextUsed(int level, int at) const;

  uint64_t now_;
  size_t armed_ = 0;
  std::array<std::array<Timer*, kSlots>, kLevels> slots_ = {};
  std::array<std::array<uint64_t, kSlots / 64>, kLevels> used_ = {};
};

}  // namespace narthex
