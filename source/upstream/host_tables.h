#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "source/upstream/balancer_settings.h"
#include "source/upstream/host.h"

namespace narthex {

// Hosts that a hash finds.
struct HashedHosts {
  std::vector<Host*> hosts;
  std::vector<double> shares;  // of the load, which add up to 1
  std::variant<HashRing, MaglevTable> points;

  // An index of hosts. REQUIRES: there are any.
  size_t Find(uint64_t hash) const {
    if (const HashRing* ring = std::get_if<HashRing>(&points)) return ring->Find(hash);
    return std::get<MaglevTable>(points).Find(hash);
  }
};

// The hosts of one locality and priority.
struct LocalityHosts {
  std::vector<Host*> all, healthy, degraded;
  uint32_t weight = 0;
  // What is left of the weight: less when more hosts are ill than overprovisioning makes up for.
  double healthy_weight = 0, degraded_weight = 0;
};

// The hosts of one priority, those that are excluded from it only among `all`.
struct PriorityTables {
  std::vector<Host*> all, healthy, degraded;
  std::vector<LocalityHosts> localities;      // in the order of their names; empty unless they have weights
  std::unique_ptr<const HashedHosts> hashed;  // null for other policies, or without hosts that take load
};

// The hosts of a cluster, or of a subset, sorted by priority, health and locality as they were at one time,
// and the tables that choices need. Made when hosts or their health change, shared by all workers. Immutable,
// thread-safe; the host set must live as long.
struct HostTables {
  std::vector<PriorityTables> priorities;
  PriorityLoad load;
};

// How many hosts a locality of a priority has in the whole cluster, by what LocalityKey gives.
using LocalityKey = std::tuple<uint32_t, std::string, std::string, std::string>;
using LocalitySizes = std::map<LocalityKey, size_t>;
LocalityKey KeyOf(const Host& host);

// `scale`, when not null, has the sizes of the localities that `hosts` are a part of: weights are scaled to
// the part.
HostTables MakeHostTables(const std::vector<Host*>& hosts, const BalancerSettings& settings,
                          const LocalitySizes* scale = nullptr);

// The share of the load, from 0 to 1, that each host is expected to have; hosts with none are left out.
std::map<const Host*, double> ExpectedShares(const HostTables& tables, const BalancerSettings& settings);

}  // namespace narthex
