#include "source/server/overload_guard.h"

#include <atomic>
#include <utility>

#include "source/base/heap.h"

namespace narthex {

OverloadGuard::OverloadGuard(EventLoop& loop, std::shared_ptr<WorkerShared> shared,
                             const std::vector<std::unique_ptr<Worker>>& workers)
    : loop_(loop),
      shared_(std::move(shared)),
      workers_(workers),
      timer_(loop.wheel(), [](void* self) { static_cast<OverloadGuard*>(self)->Refresh(); }, this) {}

void OverloadGuard::Update(const std::shared_ptr<const OverloadConfig>& config) {
  if (watch_ != nullptr && config != nullptr && watch_->config().text == config->text) return;
  timer_.Cancel();
  watch_.reset();
  if (config == nullptr) {
    if (std::exchange(relieving_, false)) Tell({});
    return;
  }
  std::vector<std::unique_ptr<ResourceMonitor>> monitors;
  for (const ResourceMonitorConfig& monitor : config->monitors) {
    monitors.push_back(MakeMonitor(monitor, [shared = shared_] { return shared->connections.load(); }));
  }
  StatsStore& store = StatsStore::Process();
  resets_ = store.MakeCounter("overload.envoy.overload_actions.reset_high_memory_stream.count");
  shrinks_ = store.MakeCounter("overload.envoy.overload_actions.shrink_heap.shrink_count");
  watch_ = std::make_unique<OverloadWatch>(config, std::move(monitors));
  Refresh();
}

void OverloadGuard::Refresh() {
  timer_.Arm(watch_->config().refresh);
  const OverloadOrders orders = watch_->Refresh(loop_.NowMs());
  // Once more when all is well again, so that they take connections again.
  if (!orders.any() && !relieving_) return;
  relieving_ = orders.any();
  Tell(orders);
}

// The heap is shrunk when the last worker has given back what it kept for itself; nothing of what is done
// then is this guard's, which may have gone.
void OverloadGuard::Tell(const OverloadOrders& orders) {
  const uint32_t smallest = watch_ == nullptr ? 0 : watch_->config().smallest_account;
  const uint64_t max_unfreed = watch_ == nullptr ? 0 : watch_->config().max_unfreed;
  auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
  const auto shrink = [max_unfreed, shrinks = shrinks_] {
    if (Heap::Now().free < max_unfreed) return;
    Heap::Trim();
    shrinks.Add();
  };
  const auto done = [left, resets = resets_, shrink, wanted = orders.shrink, loop = &loop_](size_t reset) {
    resets.Add(reset);
    if (left->fetch_sub(1) == 1 && wanted) loop->Post(shrink);
  };
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Relieve(orders, smallest, done);
}

}  // namespace narthex
