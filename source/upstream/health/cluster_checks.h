#pragma once

#include <map>
#include <memory>

#include "source/upstream/cluster_runtime.h"
#include "source/upstream/health/health_events.h"
#include "source/upstream/health/probe.h"

namespace narthex {

// "cluster.NAME.health_check.", by Envoy's names. Handles only.
struct CheckStats {
  explicit CheckStats(const std::string& stat_name);
  Counter attempt, success, failure, network_failure;
};

// The active checks of one cluster's hosts, each in a task of its own. Loop-confined; destroyed from the
// loop.
class ClusterChecks {
 public:
  // REQUIRES: the cluster has a health check.
  ClusterChecks(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connectors connectors);
  ~ClusterChecks();
  // Begins to check.
  void Start();

 private:
  class HostCheck;

  void SetHosts(std::shared_ptr<const HostSet> hosts);
  void NoteFirstChecks();
  bool HasTraffic();
  void OnWarmBound();

  const std::shared_ptr<ClusterRuntime> runtime_;
  const ProbeContext context_;
  const CheckStats stats_;
  HealthEvents events_;
  std::shared_ptr<const HostSet> hosts_;
  bool had_traffic_ = false;
  Timer warm_timer_;
  std::map<const Host*, std::unique_ptr<HostCheck>> checks_;
  std::unique_ptr<ClusterRuntime::Subscription> subscription_;
};

}  // namespace narthex
