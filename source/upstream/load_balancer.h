#pragma once

#include <cstdint>
#include <memory>

#include "source/upstream/host.h"

namespace narthex {

// Chooses a host for each request among those that take load. Made anew for each host set. Loop-confined.
class LoadBalancer {
 public:
  virtual ~LoadBalancer() = default;
  // Null when no host takes load. `random` has 64 random bits. The host lives as long as the balancer.
  virtual Host* Choose(uint64_t random) = 0;
};

// Hosts in turn; with unequal weights, smoothly interleaved in proportion to them (earliest deadline first).
// `random` decides where the turn starts, so that workers and gateways do not move in step.
std::unique_ptr<LoadBalancer> MakeRoundRobin(const HostSet& hosts, double panic_threshold, uint64_t random);
// A random host, in proportion to the weights. Choosing costs a binary search.
std::unique_ptr<LoadBalancer> MakeRandomBalancer(const HostSet& hosts, double panic_threshold);

std::unique_ptr<LoadBalancer> MakeLoadBalancer(const ClusterConfig& config, const HostSet& hosts,
                                               uint64_t random);

}  // namespace narthex
