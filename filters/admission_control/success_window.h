#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace narthex {

// How many of the requests of the last seconds succeeded, for all workers: a sliding window of slots, each of
// a second or more, which begin with the first request after the last one's end. Thread-safe, and nobody
// waits for anybody: who comes first after a slot's end moves the window on, and the others count in the old
// slot meanwhile. Times are milliseconds of a monotonic clock, which may differ between workers by the length
// of a turn.
class SuccessWindow {
 public:
  // REQUIRES: at least a second. A window of more than kMostSlots seconds has longer slots.
  explicit SuccessWindow(uint64_t window_ms);
  SuccessWindow(const SuccessWindow&) = delete;

  uint64_t window_ms() const { return window_ms_; }

  void Record(bool success, uint64_t now);

  struct Counts {
    uint64_t total = 0;
    uint64_t successes = 0;
    double per_second = 0;  // since the oldest request of the window
  };
  Counts Read(uint64_t now);

 private:
  static constexpr uint64_t kMostSlots = 600;
  static constexpr uint64_t kSecond = 1000;

  struct Slot {
    std::atomic<uint64_t> total{0};
    std::atomic<uint64_t> successes{0};
    uint64_t begin = 0;  // belongs to the thread that has set busy_
  };

  void MoveOn(uint64_t now);
  void DropOldest();

  const uint64_t window_ms_;
  const uint64_t slot_ms_;
  const size_t size_;
  const std::unique_ptr<Slot[]> slots_;  // a ring
  // The sums over all slots.
  std::atomic<uint64_t> total_{0};
  std::atomic<uint64_t> successes_{0};
  std::atomic<size_t> newest_{0};
  std::atomic<uint64_t> begin_{0};  // of the oldest slot
  std::atomic<uint64_t> due_{0};    // when the window moves on

  std::atomic<bool> busy_{false};
  size_t used_ = 0;  // belongs to the thread that has set it: slots in use, up to newest_
};

}  // namespace narthex
