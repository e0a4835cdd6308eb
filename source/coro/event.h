#pragma once

#include <coroutine>
#include <utility>

#include "source/base/check.h"

namespace narthex {

// Something that one coroutine waits for and other code of the same loop announces. Setting it resumes the
// waiter at once, inside Set. A waiter that is destroyed unlinks itself. Loop-confined; at most one waiter at
// a time.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  bool is_set() const { return set_; }
  bool has_waiter() const { return static_cast<bool>(waiter_); }

  // Stays set until Reset; the waiter, if any, is resumed before Set returns.
  void Set() {
    set_ = true;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }
  void Reset() { set_ = false; }

  // Ready at once when set, without suspending.
  auto Wait() {
    struct Awaiter {
      Event& event;
      bool linked = false;
      explicit Awaiter(Event& e) : event(e) {}
      Awaiter(const Awaiter&) = delete;
      ~Awaiter() {
        if (linked) event.waiter_ = nullptr;
      }
      bool await_ready() const noexcept { return event.set_; }
      void await_suspend(std::coroutine_handle<> awaiting) noexcept {
        NARTHEX_DCHECK(!event.waiter_);  // it would never be resumed
        event.waiter_ = awaiting;
        linked = true;
      }
      void await_resume() noexcept { linked = false; }
    };
    return Awaiter(*this);
  }

 private:
  bool set_ = false;
  std::coroutine_handle<> waiter_;
};

}  // namespace narthex
