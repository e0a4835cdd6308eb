#pragma once

#include <memory>
#include <vector>

#include "source/event/event_loop.h"
#include "source/overload/overload_watch.h"
#include "source/server/worker.h"
#include "source/stats/stats.h"

namespace narthex {

// Runs the overload manager of the present configuration: measures each refresh interval, on the main loop,
// and has the workers do what they are to do. Loop-confined.
class OverloadGuard {
 public:
  // All outlive the guard; the workers may come after it.
  OverloadGuard(EventLoop& loop, std::shared_ptr<WorkerShared> shared,
                const std::vector<std::unique_ptr<Worker>>& workers);

  // Goes by `config` from now on; null: nothing is measured. The same configuration goes on with what it
  // knows.
  void Update(const std::shared_ptr<const OverloadConfig>& config);

 private:
  void Refresh();
  void Tell(const OverloadOrders& orders);

  EventLoop& loop_;
  const std::shared_ptr<WorkerShared> shared_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  std::unique_ptr<OverloadWatch> watch_;
  bool relieving_ = false;  // the workers have orders that no longer hold when there are none
  Counter resets_, shrinks_;
  Timer timer_;
};

}  // namespace narthex
