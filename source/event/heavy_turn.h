#pragma once

#include <coroutine>

#include "source/event/event_loop.h"

namespace narthex {

// co_await HeavyTurn(loop, rank): goes on alone at the end of this turn, or of a later one when others have
// come before; those of the other rank take every second turn at most. For what takes so long that everybody
// else of the loop should wait for one of it at most. Loop-confined.
class [[nodiscard]] HeavyTurn {
 public:
  HeavyTurn(EventLoop& loop, HeavyRank rank) : loop_(loop), rank_(rank), work_(&HeavyTurn::GoOn, this) {}
  HeavyTurn(const HeavyTurn&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    loop_.InATurnOfItsOwn(work_, rank_);
  }
  void await_resume() const noexcept {}

 private:
  static void GoOn(void* self) { static_cast<HeavyTurn*>(self)->awaiting_.resume(); }

  EventLoop& loop_;
  const HeavyRank rank_;
  std::coroutine_handle<> awaiting_;
  HeavyWork work_;
};

}  // namespace narthex
