#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/upstream/cluster_runtime.h"
#include "source/upstream/load_balancer.h"

namespace narthex {

// One worker's balancing of one cluster: load balancers over the whole cluster and over its subsets, which
// follow the hosts and their health. Loop-confined.
class ClusterBalancer {
 public:
  explicit ClusterBalancer(ClusterRuntime& runtime);

  // Chosen are these from now on.
  void SetHosts(std::shared_ptr<const HostSet> hosts);
  // Null when no host takes load, or no subset is as `match` (may be null) wants it. The host is one of the
  // present set. Allocates nothing, except where hosts or their health have changed since the last time.
  Host* Choose(const BalanceRequest& request, const MetadataMatch* match);
  // Why Choose has found none, though there are hosts: in words, a part of a sentence.
  std::string WhyNone(const MetadataMatch* match) const;

 private:
  using Fallback = SubsetSettings::Fallback;

  void Refresh(uint64_t now_us);
  Host* ChooseFrom(std::unique_ptr<LoadBalancer>& balancer, const BalancerContext& context,
                   const HostTables& tables, const BalanceRequest& request);
  Host* ChooseFromAll(const BalanceRequest& request);
  Host* ChooseFromSubset(uint32_t number, const BalanceRequest& request);
  Host* ChooseBySubset(const BalanceRequest& request, const MetadataMatch* match);
  Host* FallBack(Fallback fallback, const BalanceRequest& request);
  const SubsetSettings::Selector* SelectorOf(const MetadataMatch& match) const;
  uint32_t FindFewer(const SubsetSettings::Selector& selector, const MetadataMatch& match);
  Host* FallBackOf(const SubsetSettings::Selector& selector, const MetadataMatch& match,
                   const BalanceRequest& request);

  ClusterRuntime& runtime_;
  const BalancerSettings& settings_;
  const BalancerSettings settings_within_;  // a subset
  const BalancerContext context_, context_within_;
  std::shared_ptr<const HostSet> hosts_;
  std::shared_ptr<const ClusterTables> tables_;
  std::unique_ptr<LoadBalancer> all_;
  std::vector<std::unique_ptr<LoadBalancer>> subsets_;  // by number; made when they are first needed
  std::string name_;                                    // of a subset, kept for its memory
};

}  // namespace narthex
