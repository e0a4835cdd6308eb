#pragma once

#include <list>
#include <utility>

#include "source/coro/task.h"

namespace narthex {

// Children that run beside their owner and end with it: destroying the scope cancels those that still run.
// A child's frame is freed when it has ended and the next child is started, or with the scope. Loop-confined.
class Scope {
 public:
  Scope() = default;
  Scope(const Scope&) = delete;

  // Starts `child` at once; it runs until its first suspension before Spawn returns.
  void Spawn(Task<void> child) {
    children_.remove_if([](const Task<void>& task) { return task.done(); });
    children_.push_back(std::move(child));
    children_.back().Start();
  }
  // Cancels all children. REQUIRES: not called from inside one of them.
  void Cancel() { children_.clear(); }
  bool idle() const {
    for (const Task<void>& task : children_) {
      if (!task.done()) return false;
    }
    return true;
  }

 private:
  std::list<Task<void>> children_;
};

}  // namespace narthex
