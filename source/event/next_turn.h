#pragma once

#include <coroutine>
#include <memory>

#include "source/event/event_loop.h"

namespace narthex {

// co_await NextTurn(loop): goes on in the loop's next turn, behind whatever else is ready. For a coroutine
// that always finds more to do. Loop-confined.
class [[nodiscard]] NextTurn {
 public:
  explicit NextTurn(EventLoop& loop) : loop_(loop) {}
  NextTurn(const NextTurn&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = std::make_shared<std::coroutine_handle<>>(awaiting);
    // Expired once the awaiting frame has been destroyed.
    loop_.Post([waits = std::weak_ptr<std::coroutine_handle<>>(awaiting_)] {
      if (const auto handle = waits.lock()) handle->resume();
    });
  }
  void await_resume() const noexcept {}

 private:
  EventLoop& loop_;
  std::shared_ptr<std::coroutine_handle<>> awaiting_;
};

}  // namespace narthex
