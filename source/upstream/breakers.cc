#include "source/upstream/breakers.h"

namespace narthex {

SharedCell& SharedSum::AddCell() {
  std::lock_guard lock(mutex_);
  SharedCell& cell = cells_.emplace_back();
  const size_t at = count_.load(std::memory_order_relaxed);
  if (at < kFast) fast_[at].store(&cell, std::memory_order_release);
  count_.store(at + 1, std::memory_order_release);
  return cell;
}

int64_t SharedSum::Read() const {
  int64_t sum = 0;
  const size_t count = count_.load(std::memory_order_acquire);
  if (count <= kFast) {
    for (size_t i = 0; i < count; ++i) sum += fast_[i].load(std::memory_order_acquire)->local();
    return sum;
  }
  std::lock_guard lock(mutex_);
  for (const SharedCell& cell : cells_) sum += cell.local();
  return sum;
}

bool SharedSum::Reached(const SharedCell& cell, uint32_t limit) const {
  const size_t workers = count_.load(std::memory_order_relaxed);
  if (cell.local() < static_cast<int64_t>(limit / workers)) return false;
  return Read() >= limit;
}

}  // namespace narthex
