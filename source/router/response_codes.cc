#include "source/router/response_codes.h"

#include <utility>

namespace narthex {

ResponseCodes::ResponseCodes(std::string prefix) : prefix_(std::move(prefix)) {
  StatsStore& store = StatsStore::Process();
  completed_ = store.MakeCounter(prefix_ + "completed");
  for (size_t i = 0; i < classes_.size(); ++i) {
    classes_[i] = store.MakeCounter(prefix_ + std::to_string(i + 1) + "xx");
  }
  Code(200);
}

const Counter& ResponseCodes::Code(int status) const {
  std::atomic<const Counter*>& slot = codes_[static_cast<size_t>(status - kFirstCode)];
  const Counter* counter = slot.load(std::memory_order_acquire);
  if (counter != nullptr) return *counter;
  std::lock_guard lock(mutex_);
  counter = slot.load(std::memory_order_relaxed);
  if (counter == nullptr) {
    // Lives as long as the process, as the statistics do.
    counter = new Counter(StatsStore::Process().MakeCounter(prefix_ + std::to_string(status)));
    slot.store(counter, std::memory_order_release);
  }
  return *counter;
}

void ResponseCodes::Count(int status) const {
  if (status < kFirstCode || status >= kFirstCode + kCodes) return;
  completed_.Add();
  classes_[static_cast<size_t>(status / 100 - 1)].Add();
  Code(status).Add();
}

}  // namespace narthex
