#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/upstream/cluster_runtime.h"
#include "source/upstream/pool_context.h"

namespace narthex {

// The clusters of a snapshot. Immutable, thread-safe.
struct ClusterSet {
  std::map<std::string, std::shared_ptr<ClusterRuntime>, std::less<>> clusters;
};

// The clusters of `configs`. Those whose content hash is that of `previous` (may be null) are taken over from
// it, with their hosts, counts and, through them, the workers' pools.
std::shared_ptr<const ClusterSet> MakeClusterSet(
    const std::vector<std::shared_ptr<const ClusterConfig>>& configs, const ClusterSet* previous);

// One worker's clusters, on `loop`. ClusterManager::Update brings the next set: clusters that it takes over
// keep their pools, those of the others are drained. Destroy it on the loop's thread, after all exchanges.
std::unique_ptr<ClusterManager> MakeClusterManager(EventLoop& loop, std::shared_ptr<const ClusterSet> set,
                                                   Connectors connectors = {});

}  // namespace narthex
