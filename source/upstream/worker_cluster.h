#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/event/event_loop.h"
#include "source/upstream/cluster_balancer.h"
#include "source/upstream/cluster_runtime.h"
#include "source/upstream/host_pools.h"
#include "source/upstream/host_results.h"
#include "source/upstream/no_host_report.h"

namespace narthex {

// One worker's view of a cluster: a balancer over its current hosts and pools for each that was ever chosen.
// Loop-confined.
class WorkerCluster final : public Cluster {
 public:
  WorkerCluster(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connectors connectors);
  ~WorkerCluster() override;

  const std::string& name() const override { return context_.config.name; }
  HostCounts host_counts() const override;
  Task<ClientConnection::Result> Send(Request request, AttemptOptions options) override;
  Task<RawResult> Connect(RawOptions options, UpstreamFacts& facts) override;
  std::unique_ptr<RetryToken> TakeRetry(Priority priority) override;
  void NoteTimeout(const UpstreamFacts& facts) override;

  const ClusterRuntime& runtime() const { return *context_.runtime; }
  // Lets what is under way end and then calls `gone`, from the loop, which may destroy this cluster.
  void Retire(std::function<void()> gone);

 private:
  class InFlight;
  class WarmWait;

  void SetHosts(std::shared_ptr<const HostSet> hosts);
  Host* ChooseHost(const RawOptions& options);
  Host* ChooseHost(const AttemptOptions& options);
  template <class PassOver>
  Host* ChooseHost(BalanceRequest wanted, const MetadataMatch* match, uint32_t tries, PassOver pass_over);
  ExchangeError NoHost(const MetadataMatch* match);
  void NoteNoConnection(Pool& pool, UpstreamFacts& facts, const ExchangeError& error);
  PoolTraits TraitsOf(const Request& request) const;
  void PostSweep();
  void Sweep();

  PoolContext context_;
  std::shared_ptr<const HostSet> hosts_;
  ClusterBalancer balancer_;
  HostPools pools_;
  HostResults results_;
  NoHostReport no_host_;
  WarmWait* warm_waits_ = nullptr;
  size_t in_flight_ = 0;
  std::function<void()> gone_;
  bool sweep_posted_ = false;
  std::shared_ptr<WorkerCluster*> self_;  // for posted work: expired once this is gone
  std::unique_ptr<ClusterRuntime::Subscription> subscription_;
};

}  // namespace narthex
