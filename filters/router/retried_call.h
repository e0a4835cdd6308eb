#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "filters/router/retry_plan.h"
#include "source/http/client_codec.h"
#include "source/router/compiled_route.h"

namespace narthex {

// What every try of one request is made with.
struct TryOptions {
  bool envoy_headers = true;
  std::optional<uint64_t> hash;  // for the balancer's choice
  const ClusterResponseStats* stats = nullptr;
};

// One try of `request` at `cluster`, as the route says; a CONNECT that ends here opens its connection. Its
// task is the cluster's. `attempt` has what is this try's only.
Task<ClientConnection::Result> Try(Cluster& cluster, const CompiledRoute& route, Request request,
                                   AttemptOptions attempt, const TryOptions& options);

// Tries `request` at the cluster that its exchange names until `plan` is content with what comes back, or has
// no more retries, or the cluster has no room for them. What came last is the result: a response's head at
// most, so that a client has seen nothing of what was tried before. All references outlive the task.
Task<ClientConnection::Result> RetriedCall(const CompiledRoute& route, Request request, RetryPlan plan,
                                           TryOptions options);

}  // namespace narthex
