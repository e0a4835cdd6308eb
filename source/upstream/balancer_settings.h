#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/upstream/balancer/hash_ring.h"
#include "source/upstream/balancer/maglev_table.h"
#include "source/upstream/balancer/priority_load.h"
#include "source/upstream/balancer/slow_start.h"
#include "source/upstream/lb_metadata.h"

namespace narthex {

enum class LbPolicy : uint8_t { kRoundRobin, kRandom, kLeastRequest, kRingHash, kMaglev, kPeakEwma };

// The field's word for it, as lb_policy spells those that it has.
const char* NameOf(LbPolicy policy);

// How a cluster is parted into subsets.
struct SubsetSettings {
  enum class Fallback : uint8_t { kNone, kAnyEndpoint, kDefaultSubset, kKeysSubset };
  struct Selector {
    std::vector<std::string> keys;     // in their order
    std::optional<Fallback> fallback;  // unset: the cluster's
    std::vector<std::string> fallback_keys;
    bool single_host = false;
  };

  Fallback fallback = Fallback::kNone;
  LbMetadata default_subset = {};
  std::vector<Selector> selectors = {};
  bool locality_weight_aware = false;
  bool scale_locality_weight = false;
  bool panic_mode_any = false;
  bool list_as_any = false;
};

// How a cluster chooses a host for each request. Immutable, thread-safe.
struct BalancerSettings {
  LbPolicy policy = LbPolicy::kRoundRobin;
  PriorityOptions priorities;
  bool fail_traffic_on_panic = false;
  bool locality_weighted = false;
  SlowStart slow_start;
  // Of least request and peak EWMA: how many random hosts are compared; 0 for all.
  uint32_t choice_count = 2;
  double active_request_bias = 1;
  uint64_t decay_us = 10'000'000;
  uint64_t default_latency_us = 1'000'000;
  // Of ring hash and Maglev.
  RingOptions ring;
  uint64_t maglev_size = MaglevTable::kDefaultSize;
  bool hash_by_hostname = false;
  uint32_t hash_balance_factor = 0;  // percent of the average; 0: no limit
  std::optional<SubsetSettings> subsets;

  bool goes_by_hash() const { return policy == LbPolicy::kRingHash || policy == LbPolicy::kMaglev; }
};

}  // namespace narthex
