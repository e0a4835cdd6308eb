#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>

namespace narthex {

// A number that many workers count and few read: each worker has a cell that only it writes, so that counting
// costs a plain add and shares no cache line. Thread-safe for readers; Add and Sub only from the cell's
// worker.
class alignas(64) SharedCell {
 public:
  void Add(int64_t amount = 1) { value_.store(local() + amount, std::memory_order_relaxed); }
  void Sub(int64_t amount = 1) { Add(-amount); }
  int64_t local() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// The cells of all workers of one number. Thread-safe. Cells live as long as the sum.
class SharedSum {
 public:
  // A new cell, for one worker.
  SharedCell& AddCell();
  // The sum; exact when nobody counts at the time.
  int64_t Read() const;
  // Whether the sum has reached `limit`, as seen from the worker of `cell`. While a worker is below its equal
  // share of the limit it does not look at the others: if all are, so is the sum. Two workers that ask in the
  // same nanosecond may both be let in, so a limit can be passed by one less than the workers, as in Envoy.
  bool Reached(const SharedCell& cell, uint32_t limit) const;

 private:
  mutable std::mutex mutex_;
  std::list<SharedCell> cells_;
  // Cells in a fixed array for lock-free reading; more workers than this read under the lock.
  static constexpr size_t kFast = 64;
  std::atomic<SharedCell*> fast_[kFast] = {};
  std::atomic<size_t> count_{0};
};

}  // namespace narthex
