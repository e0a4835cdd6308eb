#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "source/coro/task.h"

namespace narthex {

// co_await Interruptible(task, slot): the task's value, or nullopt when slot.Interrupt() came first; then the
// task has been cancelled. Interrupt must be called from the event loop, never from inside the task. No frame
// of its own.
class InterruptSlot {
 public:
  InterruptSlot() = default;
  InterruptSlot(const InterruptSlot&) = delete;

  bool waiting() const { return cancel_ != nullptr; }
  // Cancels the awaited task and resumes the frame that awaits it. Does nothing when none is awaited.
  void Interrupt() {
    if (cancel_ == nullptr) return;
    const auto cancel = std::exchange(cancel_, nullptr);
    cancel(awaiter_).resume();
  }

 private:
  template <class T>
  friend class Interruptible;
  std::coroutine_handle<> (*cancel_)(void* awaiter) = nullptr;
  void* awaiter_ = nullptr;
};

template <class T>
class [[nodiscard]] Interruptible {
 public:
  Interruptible(Task<T> task, InterruptSlot& slot) : task_(std::move(task)), slot_(slot) {}
  Interruptible(const Interruptible&) = delete;
  ~Interruptible() { Unlink(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    slot_.awaiter_ = this;
    slot_.cancel_ = [](void* self) {
      auto* that = static_cast<Interruptible*>(self);
      that->task_.Cancel();
      return that->awaiting_;
    };
    return task_.Prepare(awaiting);
  }
  std::optional<T> await_resume() {
    Unlink();
    if (!task_) return std::nullopt;
    return task_.Result();
  }

 private:
  void Unlink() {
    if (slot_.awaiter_ != this) return;
    slot_.cancel_ = nullptr;
    slot_.awaiter_ = nullptr;
  }

  Task<T> task_;
  InterruptSlot& slot_;
  std::coroutine_handle<> awaiting_;
};

}  // namespace narthex
