#pragma once

#include <memory>

#include "source/event/event_loop.h"
#include "source/upstream/cluster_set.h"

namespace narthex {

// Looks after the health of all hosts of the process, on the main loop, once for all workers: active checks,
// and the intervals of outlier detection. What it finds, workers read in each host's HostHealth.
// Loop-confined; destroy it before the loop.
class HealthChecks {
 public:
  virtual ~HealthChecks() = default;
  // Looks after the clusters of `set` from now on. Those that it knows already go on without a break.
  virtual void Update(const ClusterSet& set) = 0;
};

std::unique_ptr<HealthChecks> MakeHealthChecks(EventLoop& loop, Connectors connectors = {});

}  // namespace narthex
