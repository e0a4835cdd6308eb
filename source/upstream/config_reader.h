#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/config/duration.h"
#include "source/upstream/cluster_config.h"

namespace narthex::cluster_config {

// The parts of CompileCluster. Each takes the whole cluster's path, writes its part of `config` and what is
// wrong to `diagnostics`. Configuration thread only.
using ClusterMessage = envoy::config::cluster::v3::Cluster;

// How the cluster finds its hosts. Comes before ReadEndpoints.
void ReadType(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
              Diagnostics& diagnostics);
void ReadEndpoints(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                   Diagnostics& diagnostics);
void ReadBalancer(const ClusterMessage& cluster, const ConfigPath& path, const ClusterDefaults& defaults,
                  ClusterConfig& config, Diagnostics& diagnostics);
// A part of ReadBalancer.
void ReadSubsets(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                 Diagnostics& diagnostics);
// How hosts are checked. Comes after ReadEndpoints.
void ReadHealthChecks(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                      Diagnostics& diagnostics);
void ReadOutliers(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                  Diagnostics& diagnostics);
void ReadBreakers(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                  Diagnostics& diagnostics);
void ReadConnection(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                    Diagnostics& diagnostics);
void ReadDns(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
             Diagnostics& diagnostics);

}  // namespace narthex::cluster_config
