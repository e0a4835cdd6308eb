#include "source/server/worker.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "source/base/block.h"
#include "source/base/frame_pool.h"
#include "source/overload/stream_accounts.h"

namespace narthex {

Worker::Worker(uint32_t index, std::shared_ptr<WorkerShared> shared, WorkerUpdate first)
    : index_(index), shared_(std::move(shared)), loop_(EventLoop::Make()) {
  thread_ = std::thread([this, update = std::move(first)]() mutable { Run(std::move(update)); });
}

Worker::~Worker() {
  loop_->Stop();
  thread_.join();
}

void Worker::Run(WorkerUpdate first) {
  pthread_setname_np(pthread_self(), ("worker_" + std::to_string(index_)).c_str());
  ApplyOnLoop(std::move(first));
  loop_->Run();
  listeners_.clear();
  leaving_.clear();
  clusters_.reset();
  snapshot_.reset();
  // What was handed to DeleteLater on the way out still belongs to this thread.
  loop_->RunOnce();
}

void Worker::Apply(WorkerUpdate update, std::function<void()> applied) {
  loop_->Post([this, update = std::move(update), applied = std::move(applied)]() mutable {
    ApplyOnLoop(std::move(update));
    applied();
  });
}

void Worker::ApplyOnLoop(WorkerUpdate update) {
  if (clusters_ == nullptr) {
    clusters_ = MakeClusterManager(*loop_, update.snapshot->clusters);
  } else {
    clusters_->Update(update.snapshot->clusters);
  }
  std::vector<std::unique_ptr<ActiveListener>> next;
  for (WorkerListener& wanted : update.listeners) {
    const auto same = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& listener) {
      return listener != nullptr && listener->SameSockets(wanted.sockets);
    });
    if (same != listeners_.end()) {
      (*same)->Update(std::move(wanted.config));
      next.push_back(std::move(*same));
    } else {
      next.push_back(std::make_unique<ActiveListener>(*loop_, *shared_, *clusters_, std::move(wanted.config),
                                                      std::move(wanted.sockets),
                                                      [this] { return CloseIdle(); }));
      next.back()->SetAccepting(accepting_);
    }
  }
  std::erase(listeners_, nullptr);
  for (auto& gone : listeners_) {
    gone->Leave();
    leaving_.push_back(std::move(gone));
  }
  listeners_ = std::move(next);
  std::erase_if(leaving_, [](const auto& listener) { return listener->idle(); });
  snapshot_ = std::move(update.snapshot);
}

bool Worker::CloseIdle() {
  const auto close = [](const auto& listener) { return listener->CloseIdle(); };
  return std::any_of(listeners_.begin(), listeners_.end(), close) ||
         std::any_of(leaving_.begin(), leaving_.end(), close);
}

void Worker::Relieve(OverloadOrders orders, uint32_t smallest_account,
                     std::function<void(size_t resets)> done) {
  loop_->Post([this, orders = std::move(orders), smallest_account, done = std::move(done)] {
    done(RelieveOnLoop(orders, smallest_account));
  });
}

template <class Act>
void Worker::ForEachListener(Act act) {
  for (auto& listener : listeners_) act(*listener);
  for (auto& listener : leaving_) act(*listener);
}

// How many streams were reset. What those held is free at the turn's end, and shrinking comes after that in
// the next round.
size_t Worker::RelieveOnLoop(const OverloadOrders& orders, uint32_t smallest_account) {
  accepting_ = orders.accept;
  for (auto& listener : listeners_) listener->SetAccepting(accepting_);
  if (orders.reduced) ForEachListener([&](ActiveListener& listener) { listener.EndLate(*orders.reduced); });
  size_t resets = 0;
  if (orders.reset > 0) {
    StreamAccounts accounts(smallest_account, orders.reset);
    ForEachListener([&](ActiveListener& listener) { listener.Weigh(accounts); });
    resets = accounts.ResetLargest();
  }
  if (orders.shrink) {
    Block::TrimFreeBlocks(0);
    FramePool::Trim();
  }
  return resets;
}

void Worker::Drain() {
  loop_->Post([this] {
    for (auto& listener : listeners_) listener->Drain();
  });
}

void Worker::SendAway() {
  loop_->Post([this] {
    for (auto& listener : listeners_) listener->SendAway();
  });
}

void Worker::StopListening(std::function<void()> stopped) {
  loop_->Post([this, stopped = std::move(stopped)] {
    for (auto& listener : listeners_) listener->StopListening();
    stopped();
  });
}

}  // namespace narthex
