#pragma once

#include <cstdint>

namespace narthex {

class HeavyQueue;

// One piece of work that takes long: a handshake's cryptography. Destroying it takes it out of its queue.
// Loop-confined; does not move.
class HeavyWork {
 public:
  using Callback = void (*)(void* context);

  HeavyWork(Callback callback, void* context) : callback_(callback), context_(context) {}
  HeavyWork(const HeavyWork&) = delete;
  HeavyWork& operator=(const HeavyWork&) = delete;
  inline ~HeavyWork();

 private:
  friend class HeavyQueue;

  const Callback callback_;
  void* const context_;
  HeavyQueue* queue_ = nullptr;
  HeavyWork* next_ = nullptr;
  HeavyWork** link_ = nullptr;
};

// Work that waits, the oldest first.
class HeavyQueue {
 public:
  HeavyQueue() = default;
  HeavyQueue(const HeavyQueue&) = delete;
  ~HeavyQueue() {
    while (first_ != nullptr) Remove(*first_);
  }

  bool empty() const { return first_ == nullptr; }
  // Does nothing when it waits already.
  void Add(HeavyWork& work) {
    if (work.queue_ != nullptr) return;
    work.queue_ = this;
    work.link_ = end_;
    *end_ = &work;
    end_ = &work.next_;
  }
  void Remove(HeavyWork& work) {
    *work.link_ = work.next_;
    (work.next_ != nullptr ? work.next_->link_ : end_) = work.link_;
    work.queue_ = nullptr;
    work.next_ = nullptr;
  }
  void RunOne() {
    if (first_ == nullptr) return;
    HeavyWork& work = *first_;
    Remove(work);
    work.callback_(work.context_);
  }

 private:
  HeavyWork* first_ = nullptr;
  HeavyWork** end_ = &first_;
};

// For whom the work is done.
enum class HeavyRank : uint8_t {
  kNewcomer,  // a client that is not let in yet: as many may come as like to
  kServed,    // those that are in wait for it
};

// What waits for a turn of the loop's: see EventLoop::InATurnOfItsOwn.
class HeavyTurns {
 public:
  bool empty() const { return newcomers_.empty() && served_.empty(); }
  void Add(HeavyWork& work, HeavyRank rank) { (rank == HeavyRank::kServed ? served_ : newcomers_).Add(work); }
  // Each rank by turns where both wait: neither waits for a crowd of the other.
  void RunOne() {
    const bool served = !served_.empty() && (newcomers_.empty() || !served_last_);
    served_last_ = served;
    (served ? served_ : newcomers_).RunOne();
  }

 private:
  HeavyQueue newcomers_, served_;
  bool served_last_ = false;
};

HeavyWork::~HeavyWork() {
  if (queue_ != nullptr) queue_->Remove(*this);
}

}  // namespace narthex
