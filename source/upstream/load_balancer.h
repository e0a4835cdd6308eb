#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "source/stats/stats.h"
#include "source/upstream/balancer/turns.h"
#include "source/upstream/host_picker.h"
#include "source/upstream/host_tables.h"
#include "source/upstream/tried_priorities.h"

namespace narthex {

// What a choice depends on, beside the hosts.
struct BalanceRequest {
  uint64_t random = 0;           // 64 random bits
  std::optional<uint64_t> hash;  // for policies that go by one; a random one where there is none
  uint64_t now_us = 0;           // the loop's clock
  // Priorities to stay away from; null: none. Starts over when no other takes load.
  TriedPriorities* priorities = nullptr;
};

// What one worker knows beside the hosts.
struct BalancerContext {
  const BalancerSettings& settings;           // outlives the balancer
  const Counter& healthy_panic;               // likewise
  std::function<uint64_t()> active_requests;  // of the whole cluster
};

// Chooses a host for each request: first a priority, then a locality where these have weights, then one of
// its hosts. Made anew for each change of the tables. Loop-confined.
class LoadBalancer {
 public:
  // `tables` outlive it. `random` decides where turns start, so that workers and gateways do not move in
  // step.
  LoadBalancer(const BalancerContext& context, const HostTables& tables, uint64_t now_us, uint64_t random);

  // Null when no host takes load. Allocates nothing.
  Host* Choose(const BalanceRequest& request);
  // When the weights of hosts in slow start have grown so much that this should be made anew; never: the
  // greatest number.
  uint64_t stale_at_us() const { return stale_at_us_; }

 private:
  // Pickers of one priority's hosts, or of those of its localities, made when they are first needed.
  struct Kind {
    const std::vector<Host*>* hosts = nullptr;
    std::unique_ptr<HostPicker> picker;
    std::vector<Kind> localities;
    Turns turns;  // of the localities
  };
  struct Sources {
    Kind all, healthy, degraded;
  };

  Kind MakeKind(const PriorityTables& priority, bool degraded, uint64_t random) const;
  Host* Pick(Kind& kind, RandomBits& random, uint64_t now_us);
  PriorityLoad::Choice ChoosePriority(uint64_t hash, TriedPriorities* tried) const;
  Host* PickByHash(const HashedHosts& hashed, uint64_t hash);
  Host* PickBounded(const HashedHosts& hashed, uint64_t hash, size_t first);
  void NoteSlowStart(uint64_t now_us);

  const BalancerContext context_;
  const HostTables& tables_;
  std::vector<Sources> sources_;
  uint64_t stale_at_us_ = ~uint64_t{0};
};

}  // namespace narthex
