#pragma once

#include <chrono>
#include <string>

#include "source/http/message.h"
#include "source/router/compiled_route.h"
#include "source/stats/stats.h"

namespace narthex {

// How copies are counted.
struct MirrorStats {
  // http.<stat_prefix>.rq_mirror*.
  explicit MirrorStats(const std::string& prefix);
  Counter begun, lagging, budget, overflow, no_cluster;
  Counter async_total;      // http.async-client.rq_total, where Envoy counts them
  bool count_codes = true;  // of the answers, with those of their clusters
};

// Sends copies of `request`, as it is to go upstream, to those of `policies` that have a share in it, and
// wraps its body where that is still coming. Nothing of them delays or fails the request: they begin at this
// turn's end, belong to the worker's clusters, and may outlive the exchange. `timeout`: of the request;
// `own`: of its cluster.
void SendCopies(const MirrorPolicies& policies, const CompiledRoute& route, Request& request,
                std::chrono::milliseconds timeout, const MirrorStats& stats, const ClusterResponseStats& own);

// The same for the mirrors of the route, if it has any.
inline void SendMirrors(const CompiledRoute& route, Request& request, std::chrono::milliseconds timeout,
                        const MirrorStats& stats, const ClusterResponseStats& own) {
  if (const MirrorPolicies* policies = route.mirrors()) {
    SendCopies(*policies, route, request, timeout, stats, own);
  }
}

}  // namespace narthex
