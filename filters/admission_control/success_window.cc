#include "filters/admission_control/success_window.h"

#include <algorithm>

namespace narthex {

// One slot more than the window holds: one that goes is not yet the one that comes.
SuccessWindow::SuccessWindow(uint64_t window_ms)
    : window_ms_(window_ms),
      slot_ms_(std::max(kSecond, window_ms / kMostSlots)),
      size_(window_ms / slot_ms_ + 2),
      slots_(std::make_unique<Slot[]>(size_)) {}

// The sums first: a slot never holds what they do not, so that taking its counts off leaves none below zero.
void SuccessWindow::Record(bool success, uint64_t now) {
  MoveOn(now);
  Slot& slot = slots_[newest_.load(std::memory_order_relaxed)];
  total_.fetch_add(1, std::memory_order_relaxed);
  slot.total.fetch_add(1, std::memory_order_release);
  if (!success) return;
  successes_.fetch_add(1, std::memory_order_relaxed);
  slot.successes.fetch_add(1, std::memory_order_release);
}

SuccessWindow::Counts SuccessWindow::Read(uint64_t now) {
  MoveOn(now);
  Counts counts;
  counts.total = total_.load(std::memory_order_relaxed);
  counts.successes = successes_.load(std::memory_order_relaxed);
  const uint64_t begin = begin_.load(std::memory_order_relaxed);
  const uint64_t age = now > begin ? now - begin : 0;
  counts.per_second =
      static_cast<double>(counts.total) * kSecond / static_cast<double>(std::max(age, kSecond));
  return counts;
}

void SuccessWindow::MoveOn(uint64_t now) {
  if (now < due_.load(std::memory_order_relaxed)) [[likely]] {
    return;
  }
  if (busy_.exchange(true, std::memory_order_acquire)) return;
  if (now >= due_.load(std::memory_order_relaxed)) {
    size_t newest = newest_.load(std::memory_order_relaxed);
    auto oldest = [&] { return (newest + size_ + 1 - used_) % size_; };
    while (used_ > 0 && now - slots_[oldest()].begin >= window_ms_) DropOldest();
    if (used_ == 0 || now - slots_[newest].begin >= slot_ms_) {
      newest = (newest + 1) % size_;
      slots_[newest].begin = now;
      newest_.store(newest, std::memory_order_relaxed);
      ++used_;
    }
    begin_.store(slots_[oldest()].begin, std::memory_order_relaxed);
    due_.store(std::min(slots_[newest].begin + slot_ms_, slots_[oldest()].begin + window_ms_),
               std::memory_order_relaxed);
  }
  busy_.store(false, std::memory_order_release);
}

// Takes what it holds; who still counts in it counts for the slot that comes in its place.
void SuccessWindow::DropOldest() {
  Slot& slot = slots_[(newest_.load(std::memory_order_relaxed) + size_ + 1 - used_) % size_];
  total_.fetch_sub(slot.total.exchange(0, std::memory_order_acquire), std::memory_order_relaxed);
  successes_.fetch_sub(slot.successes.exchange(0, std::memory_order_acquire), std::memory_order_relaxed);
  --used_;
}

}  // namespace narthex
