#pragma once

#include <utility>

namespace narthex {

// Something to do at the end of the loop's present turn, when no coroutine is on the stack: what several
// events of a turn ask for is done once. See EventLoop::AtTurnEnd. Destroying it unlinks it. Loop-confined;
// does not move.
class TurnEnd {
 public:
  using Callback = void (*)(void* context);

  TurnEnd(Callback callback, void* context) : callback_(callback), context_(context) {}
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;
  ~TurnEnd() { Cancel(); }

  bool pending() const { return link_ != nullptr; }
  void Cancel() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
  }

 private:
  friend class TurnEndList;

  const Callback callback_;
  void* const context_;
  TurnEnd* next_ = nullptr;
  TurnEnd** link_ = nullptr;
};

// What waits for the end of a turn, the latest first: none of it depends on another.
class TurnEndList {
 public:
  bool empty() const { return first_ == nullptr; }
  // Does nothing when it is pending already.
  void Add(TurnEnd& work) {
    if (work.pending()) return;
    work.next_ = first_;
    work.link_ = &first_;
    if (first_ != nullptr) first_->link_ = &work.next_;
    first_ = &work;
  }
  // Runs all of it, and what is added meanwhile. What has run may be added again.
  void Run() {
    while (first_ != nullptr) {
      TurnEnd& work = *first_;
      work.Cancel();
      work.callback_(work.context_);
    }
  }

 private:
  TurnEnd* first_ = nullptr;
};

}  // namespace narthex
