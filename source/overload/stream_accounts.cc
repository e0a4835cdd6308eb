#include "source/overload/stream_accounts.h"

#include <algorithm>
#include <utility>

namespace narthex {

StreamAccounts::StreamAccounts(uint32_t smallest, double scale) : least_(UINT64_MAX) {
  if (scale <= 0) return;
  const uint32_t reset = std::min(static_cast<uint32_t>(scale * kClasses) + 1, kClasses);
  least_ = uint64_t{1} << (smallest + kClasses - reset);
}

void StreamAccounts::Add(uint64_t bytes, Reset reset, void* owner, int32_t stream) {
  if (bytes < least_) return;
  if (count_ == kMost) {
    if (bytes <= largest_.front().bytes) return;
    std::pop_heap(largest_.begin(), largest_.end(), Larger);
    --count_;
  }
  largest_[count_++] = {bytes, reset, owner, stream};
  std::push_heap(largest_.begin(), largest_.begin() + count_, Larger);
}

size_t StreamAccounts::ResetLargest() {
  const size_t found = std::exchange(count_, 0);
  std::sort_heap(largest_.begin(), largest_.begin() + found, Larger);
  for (size_t i = 0; i < found; ++i) largest_[i].reset(largest_[i].owner, largest_[i].stream);
  return found;
}

}  // namespace narthex
