#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <utility>

#include "source/coro/task.h"
#include "source/event/event_loop.h"

namespace narthex {

// co_await WithTimeout(loop, task, delay): the task's value, or nullopt when `delay` passed first; then the
// task has been cancelled. A delay of zero or less means no timeout. No frame of its own: the awaiter lives
// in the awaiting frame.
template <class T>
class [[nodiscard]] WithTimeout {
 public:
  WithTimeout(EventLoop& loop, Task<T> task, std::chrono::milliseconds delay)
      : task_(std::move(task)), timer_(loop.wheel(), &WithTimeout::OnTimer, this), delay_(delay) {}
  WithTimeout(const WithTimeout&) = delete;

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    if (delay_.count() > 0) timer_.Arm(delay_);
    return task_.Prepare(awaiting);
  }
  std::optional<T> await_resume() {
    timer_.Cancel();
    if (!task_) return std::nullopt;
    return task_.Result();
  }

 private:
  // Called from the loop, so the task is suspended and may be destroyed.
  static void OnTimer(void* self) {
    auto* that = static_cast<WithTimeout*>(self);
    that->task_.Cancel();
    that->awaiting_.resume();
  }

  Task<T> task_;
  Timer timer_;
  std::chrono::milliseconds delay_;
  std::coroutine_handle<> awaiting_;
};

// co_await Sleep(loop, delay).
class [[nodiscard]] Sleep {
 public:
  Sleep(EventLoop& loop, std::chrono::milliseconds delay)
      : timer_(
            loop.wheel(), [](void* self) { static_cast<Sleep*>(self)->awaiting_.resume(); }, this),
        delay_(delay) {}
  bool await_ready() const noexcept { return delay_.count() <= 0; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    timer_.Arm(delay_);
  }
  void await_resume() const noexcept {}

 private:
  Timer timer_;
  std::chrono::milliseconds delay_;
  std::coroutine_handle<> awaiting_;
};

}  // namespace narthex
