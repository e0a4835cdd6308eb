#include "source/upstream/health/health_checks.h"

#include <map>
#include <utility>
#include <vector>

#include "source/upstream/health/cluster_checks.h"

namespace narthex {

namespace {

// The intervals of one cluster's outlier detection.
class OutlierIntervals {
 public:
  OutlierIntervals(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime)
      : runtime_(std::move(runtime)),
        timer_(loop.wheel(), [](void* self) { static_cast<OutlierIntervals*>(self)->OnTimer(); }, this) {
    timer_.Arm(runtime_->outliers()->settings().interval);
  }

 private:
  void OnTimer() {
    runtime_->outliers()->OnInterval();
    timer_.Arm(runtime_->outliers()->settings().interval);
  }

  const std::shared_ptr<ClusterRuntime> runtime_;
  Timer timer_;
};

class ProcessHealthChecks final : public HealthChecks {
 public:
  ProcessHealthChecks(EventLoop& loop, Connectors connectors)
      : loop_(loop), connectors_(std::move(connectors)) {}

  void Update(const ClusterSet& set) override {
    std::map<const ClusterRuntime*, Watch> next;
    std::vector<ClusterChecks*> fresh;
    for (const auto& [name, runtime] : set.clusters) {
      const auto known = watches_.find(runtime.get());
      if (known != watches_.end()) {
        next[runtime.get()] = std::move(known->second);
        continue;
      }
      Watch watch;
      if (runtime->outliers() != nullptr) watch.outliers = std::make_unique<OutlierIntervals>(loop_, runtime);
      if (runtime->config().health_check) {
        watch.checks = std::make_unique<ClusterChecks>(loop_, runtime, connectors_);
        fresh.push_back(watch.checks.get());
      }
      if (watch.outliers != nullptr || watch.checks != nullptr) next[runtime.get()] = std::move(watch);
    }
    watches_ = std::move(next);
    for (ClusterChecks* checks : fresh) checks->Start();
  }

 private:
  struct Watch {
    std::unique_ptr<ClusterChecks> checks;
    std::unique_ptr<OutlierIntervals> outliers;
  };

  EventLoop& loop_;
  const Connectors connectors_;
  std::map<const ClusterRuntime*, Watch> watches_;
};

}  // namespace

std::unique_ptr<HealthChecks> MakeHealthChecks(EventLoop& loop, Connectors connectors) {
  return std::make_unique<ProcessHealthChecks>(loop, std::move(connectors));
}

}  // namespace narthex
