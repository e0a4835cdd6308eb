#include "source/event/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace narthex {

void Timer::Arm(std::chrono::milliseconds delay) {
  const uint64_t ms = delay.count() < 1 ? 1 : static_cast<uint64_t>(delay.count());
  due_ = wheel_.now_ + ms;
  if (link_ != nullptr && due_ >= placed_) return;
  Unlink();
  wheel_.Insert(this);
  ++wheel_.armed_;
}

void Timer::Cancel() {
  Unlink();
}

std::chrono::milliseconds Timer::left() const {
  const uint64_t now = wheel_.now_;
  return std::chrono::milliseconds(armed() && due_ > now ? due_ - now : 0);
}

void Timer::Unlink() {
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  next_ = nullptr;
  link_ = nullptr;
  --wheel_.armed_;
}

TimerWheel::~TimerWheel() {
  // Timers may outlive their wheel when a loop is torn down: leave them unarmed.
  for (auto& level : slots_) {
    for (Timer*& head : level) {
      while (head != nullptr) head->Unlink();
    }
  }
}

void TimerWheel::Insert(Timer* timer) {
  const uint64_t delta = timer->due_ > now_ ? timer->due_ - now_ : 1;
  int level = 0;
  while (level < kLevels - 1 && delta >= (uint64_t{1} << (kBits * (level + 1)))) ++level;
  // Beyond the last level's reach (49 days) a timer waits in the farthest slot and is put again from there.
  const uint64_t reach = (uint64_t{1} << (kBits * kLevels)) - 1;
  const uint64_t due = now_ + std::min(delta, reach);
  const int slot = static_cast<int>((due >> (kBits * level)) & (kSlots - 1));
  timer->placed_ = due;
  Timer*& head = slots_[level][slot];
  timer->next_ = head;
  timer->link_ = &head;
  if (head != nullptr) head->link_ = &timer->next_;
  head = timer;
  used_[level][slot / 64] |= uint64_t{1} << (slot % 64);
}

void TimerWheel::Cascade(int level) {
  const int slot = static_cast<int>((now_ >> (kBits * level)) & (kSlots - 1));
  if (slot == 0 && level + 1 < kLevels) Cascade(level + 1);
  used_[level][slot / 64] &= ~(uint64_t{1} << (slot % 64));
  Timer* list = slots_[level][slot];
  slots_[level][slot] = nullptr;
  while (list != nullptr) {
    Timer* timer = list;
    list = timer->next_;
    timer->next_ = nullptr;
    timer->link_ = nullptr;
    // What is due in this very tick goes to the level-0 slot that is fired next.
    if (timer->due_ <= now_) {
      Timer*& head = slots_[0][now_ & (kSlots - 1)];
      timer->next_ = head;
      timer->link_ = &head;
      if (head != nullptr) head->link_ = &timer->next_;
      head = timer;
    } else {
      Insert(timer);
    }
  }
}

void TimerWheel::Fire(int slot) {
  used_[0][slot / 64] &= ~(uint64_t{1} << (slot % 64));
  // One at a time from the list's head: a callback may cancel or destroy any other timer of the slot.
  while (Timer* timer = slots_[0][slot]) {
    timer->Unlink();
    if (timer->due_ <= now_) {
      timer->callback_(timer->context_);
    } else {
      Insert(timer);
      ++armed_;
    }
  }
}

void TimerWheel::Advance(uint64_t now_ms) {
  while (now_ < now_ms) {
    if (armed_ == 0) {
      now_ = now_ms;
      return;
    }
    ++now_;
    const int slot = static_cast<int>(now_ & (kSlots - 1));
    if (slot == 0) Cascade(1);
    if (slots_[0][slot] != nullptr) Fire(slot);
  }
}

int64_t TimerWheel::NextDelay() const {
  if (armed_ == 0) return -1;
  int64_t soonest = std::numeric_limits<int64_t>::max();
  for (int level = 0; level < kLevels; ++level) {
    const int shift = kBits * level;
    const int step = NextUsed(level, static_cast<int>((now_ >> shift) & (kSlots - 1)));
    if (step == 0) continue;
    const uint64_t tick = ((now_ >> shift) + static_cast<uint64_t>(step)) << shift;
    soonest = std::min(soonest, static_cast<int64_t>(tick - now_));
  }
  return soonest;
}

// Steps from slot `at` to the next one that is marked used, 1 to kSlots; 0 when none is. A mark may stand for
// timers that were cancelled since: an early look costs one turn of the loop, no more.
int TimerWheel::NextUsed(int level, int at) const {
  for (int step = 1; step <= kSlots; ++step) {
    const int slot = (at + step) & (kSlots - 1);
    const uint64_t word = used_[level][slot / 64] >> (slot % 64);
    if (word == 0) {
      step += 63 - (slot % 64);
      continue;
    }
    step += std::countr_zero(word);
    return step <= kSlots ? step : 0;
  }
  return 0;
}

}  // namespace narthex
