#include "filters/router/retried_call.h"

#include <memory>
#include <optional>
#include <utility>

#include "filters/router/response_deadline.h"
#include "filters/router/tries.h"
#include "source/event/timeout.h"
#include "source/http/tunnel.h"
#include "source/upstream/raw_tunnel.h"

namespace narthex {

using Result = ClientConnection::Result;

Task<Result> Try(Cluster& cluster, const CompiledRoute& route, Request request, AttemptOptions attempt,
                 const TryOptions& options) {
  ++request.info().upstream.attempts;
  const ForwardAction& forward = *route.forward;
  attempt.priority = forward.priority;
  attempt.hash = options.hash;
  attempt.match = forward.metadata_match.get();
  attempt.auto_host_rewrite = forward.auto_host_rewrite;
  attempt.append_x_forwarded_host = forward.append_x_forwarded_host;
  attempt.keep_original_host = options.envoy_headers;
  if (forward.terminates_connect && IsConnect(request.headers())) {
    return OpenRawTunnel(cluster, std::move(request), attempt);
  }
  return cluster.Send(std::move(request), attempt);
}

Task<Result> RetriedCall(const CompiledRoute& route, Request request, RetryPlan plan, TryOptions options) {
  Exchange& exchange = request.info();
  Tries tries(route, request, std::move(plan), options);
  std::unique_ptr<RetryToken> token;
  for (;;) {
    Cluster* cluster = tries.FindCluster();
    if (cluster == nullptr) co_return ClusterGone();
    const TryDeadline deadline = tries.Deadline(exchange);
    std::optional<Result> result =
        co_await Bounded<Result, TryDeadline>(tries.loop(), tries.Start(*cluster, exchange), deadline);
    if (!result) result = tries.TimedOut(deadline.passed(), exchange);
    token.reset();
    const bool wanted = tries.plan().Wants(*result);
    if (wanted) token = tries.TakeRetry(/*beside=*/false);
    if (token == nullptr) {
      if (!wanted) tries.CountSuccess();
      tries.End();
      if (auto* response = std::get_if<Response>(&*result)) tries.BoundBody(*response);
      co_return *std::move(result);
    }
    const std::chrono::milliseconds wait = tries.Wait(&*result);
    // With its connection, unless that is free already.
    result.reset();
    tries.NoteTried(exchange);
    tries.PrepareHeaders(exchange.request_headers);
    exchange.upstream.transport_failure.clear();
    // By which the time to idle knows that there is a connection.
    if (tries.plan().per_try_idle_timeout().count() > 0) exchange.upstream.protocol = {};
    exchange.times.response_head = exchange.times.response_end = 0;
    co_await Sleep(tries.loop(), wait);
  }
}

}  // namespace narthex
