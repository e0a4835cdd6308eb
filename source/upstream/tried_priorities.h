#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace narthex {

// Which priorities the tries of one request went to, and which of them the next one stays away from.
// Loop-confined.
class TriedPriorities {
 public:
  // After so many tries, and each time there have been so many more, what was tried is left out.
  explicit TriedPriorities(uint32_t every) : every_(every) {}

  // For the cluster: where this try goes.
  void Choose(uint32_t priority) { chosen_ = priority; }
  // The try is followed by another.
  void NoteFailure() {
    tried_.push_back(chosen_);
    if (tried_.size() % every_ == 0) left_out_ = tried_;
  }
  bool any_left_out() const { return !left_out_.empty(); }
  bool LeavesOut(size_t priority) const {
    return std::find(left_out_.begin(), left_out_.end(), priority) != left_out_.end();
  }
  // No other priority has hosts that take load.
  void StartOver() {
    tried_.clear();
    left_out_.clear();
  }

 private:
  const uint32_t every_;
  uint32_t chosen_ = 0;
  std::vector<uint32_t> tried_, left_out_;
};

}  // namespace narthex
