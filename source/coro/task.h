#pragma once

#include <coroutine>
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#include "source/base/frame_pool.h"

namespace narthex {

template <class T>
class Task;

namespace coro_detail {

// What every task's promise has: the frame that awaits it, memory from the worker's pool, symmetric transfer
// at the end.
struct Promise {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  static void* operator new(size_t size) { return FramePool::Take(size); }
  static void operator delete(void* frame, size_t size) { FramePool::Give(frame, size); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // Our code throws nothing, and a library's exception ends at the call that wraps it.
  void unhandled_exception() const noexcept { std::abort(); }
};

template <class T>
struct ValuePromise : Promise {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T Result() { return std::move(*value); }
};

template <>
struct ValuePromise<void> : Promise {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void Result() const {}
};

}  // namespace coro_detail

// A coroutine that starts when awaited and belongs to the frame that holds it. Destroying a task cancels it:
// its frame goes, and with it every awaiter in it, each of which unlinks itself from what it waited for. A
// task must not be destroyed from code that runs inside it (see EventLoop::DeleteLater). Loop-confined.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = coro_detail::ValuePromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Cancel();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { Cancel(); }

  explicit operator bool() const { return handle_ != nullptr; }
  bool done() const { return handle_ && handle_.done(); }

  // Destroys the frame, if there is one.
  void Cancel() {
    if (Handle handle = std::exchange(handle_, nullptr)) handle.destroy();
  }

  // Awaiting starts the task; the result is its value.
  auto operator co_await() noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        handle.promise().continuation = awaiting;
        return handle;
      }
      T await_resume() const { return handle.promise().Result(); }
    };
    return Awaiter{handle_};
  }

  // For primitives that run a task by themselves: starts it, and resumes `continuation` when it has ended.
  void Start(std::coroutine_handle<> continuation = std::noop_coroutine()) {
    handle_.promise().continuation = continuation;
    handle_.resume();
  }
  // As Start, but for symmetric transfer: the caller returns the handle from await_suspend.
  std::coroutine_handle<> Prepare(std::coroutine_handle<> continuation) {
    handle_.promise().continuation = continuation;
    return handle_;
  }
  // REQUIRES: done().
  T Result() { return handle_.promise().Result(); }

 private:
  Handle handle_;
};

namespace coro_detail {
template <class T>
Task<T> ValuePromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<ValuePromise<T>>::from_promise(*this));
}
inline Task<void> ValuePromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<ValuePromise<void>>::from_promise(*this));
}
}  // namespace coro_detail

}  // namespace narthex
