#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "source/upstream/cluster_stats.h"
#include "source/upstream/host.h"
#include "source/upstream/host_tables.h"
#include "source/upstream/subset_tables.h"

namespace narthex {

// All tables of one host set, as its hosts were at one epoch. Immutable, thread-safe.
struct ClusterTables {
  std::shared_ptr<const HostSet> set;  // whose hosts the tables point to
  uint64_t epoch = 0;
  HostTables all;
  std::optional<SubsetTables> subsets;
};

// Makes a cluster's tables, once for all workers. Thread-safe.
class SharedTables {
 public:
  // All of these outlive it.
  SharedTables(const BalancerSettings& settings, const HealthEpoch& epoch, const ClusterStats& stats)
      : settings_(settings), epoch_(epoch), stats_(stats) {}

  // The tables of `set` as its hosts are now. Makes them when nobody has asked since the last change, which
  // may take milliseconds; others who ask wait for it. `now_us` is the loop's clock: a host that takes load
  // for the first time is in slow start from then on.
  std::shared_ptr<const ClusterTables> For(const std::shared_ptr<const HostSet>& set, uint64_t now_us);
  // Those that were made last; null before.
  std::shared_ptr<const ClusterTables> latest() const;

 private:
  void NoteAvailability(const HostSet& set, uint64_t now_us);
  void CountSubsets(const ClusterTables& tables);

  const BalancerSettings& settings_;
  const HealthEpoch& epoch_;
  const ClusterStats& stats_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ClusterTables> tables_;
};

}  // namespace narthex
