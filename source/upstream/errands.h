#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace narthex {

// Something that is done with a worker's clusters for no exchange, such as sending a copy of a request.
// Destroying it calls it off.
class Errand {
 public:
  virtual ~Errand() = default;

 private:
  friend class Errands;
  size_t at_ = 0;
};

// The errands of one worker, which end with its clusters at the latest. Loop-confined.
class Errands {
 public:
  size_t size() const { return all_.size(); }
  void Add(std::unique_ptr<Errand> errand) {
    errand->at_ = all_.size();
    all_.push_back(std::move(errand));
  }
  // Destroys it. REQUIRES: it was added, and none of its code is on the stack.
  void End(Errand& errand) {
    const size_t at = errand.at_;
    const std::unique_ptr<Errand> ended = std::exchange(all_[at], std::move(all_.back()));
    all_.pop_back();
    if (at < all_.size()) all_[at]->at_ = at;
  }

 private:
  std::vector<std::unique_ptr<Errand>> all_;
};

}  // namespace narthex
