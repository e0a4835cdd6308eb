#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <utility>

#include "source/event/event_loop.h"
#include "source/http/message.h"
#include "source/stats/stats.h"

namespace narthex {

// Until when a response must have ended: `timeout` after the request's last byte. Zero is no limit. A
// copyable value; the exchange outlives it.
class ResponseDeadline {
 public:
  // Made when the request is sent; `request_complete`: all of it is here.
  ResponseDeadline(Exchange& exchange, std::chrono::milliseconds timeout, bool request_complete)
      : exchange_(&exchange), timeout_(timeout), sent_(request_complete ? exchange.loop().NowUs() : 0) {}

  bool limited() const { return timeout_.count() > 0; }
  // Time to the next moment at which it may have passed; zero when it has. REQUIRES: limited().
  std::chrono::milliseconds Left() const;

 private:
  Exchange* exchange_;
  std::chrono::milliseconds timeout_;
  uint64_t sent_;
};

// co_await Bounded(task, deadline): the task's value, or nullopt when the deadline passed first; then the
// task was cancelled. No frame of its own. As WithTimeout, but the end may move while the request is still
// coming.
template <class T, class Deadline = ResponseDeadline>
class [[nodiscard]] Bounded {
 public:
  Bounded(EventLoop& loop, Task<T> task, const Deadline& deadline)
      : task_(std::move(task)), timer_(loop.wheel(), &Bounded::OnTimer, this), deadline_(deadline) {}
  Bounded(const Bounded&) = delete;

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    if (deadline_.limited()) timer_.Arm(std::max(deadline_.Left(), std::chrono::milliseconds(1)));
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
    auto* that = static_cast<Bounded*>(self);
    std::chrono::milliseconds left = that->deadline_.Left();
    if (left.count() > 0) return that->timer_.Arm(left);
    that->task_.Cancel();
    that->awaiting_.resume();
  }

  Task<T> task_;
  Timer timer_;
  const Deadline& deadline_;
  std::coroutine_handle<> awaiting_;
};

// Counts a response that did not come in time: for its cluster in `timeouts`, and for its route.
void CountTimeout(const Exchange& exchange, Counter timeouts);

// A body that fails with `response_timeout`, which counts as one in `timeouts`, when the deadline passes
// before its end.
Body BoundBody(Body body, const ResponseDeadline& deadline, Exchange& exchange, Counter timeouts);

}  // namespace narthex
