#pragma once

#include <coroutine>

#include "source/event/event_loop.h"

namespace narthex {

// co_await HeavyTurn(loop): goes on alone at the end of this turn, or of a later one when others have come
// before. For what takes so long that everybody else of the loop should wait for one of it at most.
// Loop-confined.
class [[nodiscard]] HeavyTurn {
 public:
  explicit HeavyTurn(EventLoop& loop) : loop_(loop), work_(&HeavyTurn::GoOn, this) {}
  HeavyTurn(const HeavyTurn&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    loop_.InATurnOfItsOwn(work_);
  }
  void await_resume() const noexcept {}

 private:
  static void GoOn(void* self) { static_cast<HeavyTurn*>(self)->awaiting_.resume(); }

  EventLoop& loop_;
  std::coroutine_handle<> awaiting_;
  HeavyWork work_;
};

}  // namespace narthex
