#include "filters/router/retried_call.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "filters/router/kept_body.h"
#include "filters/router/response_deadline.h"
#include "source/base/random.h"
#include "source/event/timeout.h"
#include "source/http/tunnel.h"
#include "source/upstream/raw_tunnel.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;
using Result = ClientConnection::Result;

// How much of a request's body is kept unless the route has a limit.
constexpr uint64_t kDefaultLimit = 1024 * 1024;

// The fields that a host's choice changes, as they were before.
class HostFields {
 public:
  HostFields(const CompiledRoute& route, const HeaderMap& headers)
      : active_(route.forward->auto_host_rewrite) {
    if (!active_) return;
    for (size_t i = 0; i < std::size(kNames); ++i) {
      const std::string_view value = headers.Get(kNames[i]);
      if (value.data() != nullptr) values_[i] = std::string(value);
    }
  }
  void Restore(HeaderMap& headers) const {
    if (!active_) return;
    for (size_t i = 0; i < std::size(kNames); ++i) {
      if (values_[i]) {
        headers.Set(kNames[i], *values_[i]);
      } else {
        headers.Remove(kNames[i]);
      }
    }
  }

 private:
  static constexpr std::string_view kNames[] = {":authority", "x-forwarded-host", "x-envoy-original-host"};
  const bool active_;
  std::optional<std::string> values_[3];
};

ExchangeError TooLate() {
  ExchangeError error;
  error.flag = ResponseFlag::kUpstreamRequestTimeout;
  error.detail = "upstream_per_try_timeout";
  return error;
}

void CountLost(KeptBody::Lost lost, const RetryStats& stats) {
  stats.abandoned.Add();
  if (lost == KeptBody::Lost::kTooLong) stats.body_too_long.Add();
  if (lost == KeptBody::Lost::kBudget) stats.bodies_too_many.Add();
  if (lost == KeptBody::Lost::kInTransit) stats.body_in_transit.Add();
}

// One request's tries. Lives in the frame of RetriedCall.
class Tries {
 public:
  Tries(const CompiledRoute& route, Request& request, RetryPlan plan, TryOptions options)
      : route_(route),
        exchange_(request.info()),
        plan_(std::move(plan)),
        options_(options),
        complete_(request.body().complete()),
        host_fields_(route, request.headers()),
        kept_(KeptBody::Make(std::move(request.body()),
                             route.request_body_buffer_limit.value_or(kDefaultLimit), exchange_)) {}

  // Null when the cluster is gone.
  Cluster* FindCluster() const { return exchange_.clusters->Find(exchange_.upstream.cluster); }

  Task<Result> Start(Cluster& cluster) {
    AttemptOptions options;
    options.random = tried_.empty() ? exchange_.random : Random64();
    if (plan_.policy().avoid_previous_hosts) {
      options.avoid = &tried_;
      options.host_tries = plan_.policy().host_tries;
    }
    return Try(cluster, route_, Request(KeptBody::Again(kept_), exchange_), options, options_);
  }
  // A try that begins when all of the request is there has its whole time from then on.
  ResponseDeadline Deadline() const {
    const bool complete = complete_ || exchange_.times.request_end != 0;
    return ResponseDeadline(exchange_, plan_.per_try_timeout(), complete);
  }

  Result PerTryTimeout() {
    stats().per_try_timeout.Add();
    if (Cluster* cluster = FindCluster()) cluster->NoteTimeout(exchange_.upstream);
    return TooLate();
  }

  // Whether to try again after `result`; takes what that needs.
  bool Again(const Result& result) {
    token_.reset();
    if (!plan_.Wants(result)) {
      if (!tried_.empty()) stats().success.Add();
      return false;
    }
    if (!plan_.Take()) {
      stats().limit_exceeded.Add();
      exchange_.AddFlag(ResponseFlag::kUpstreamRetryLimitExceeded);
      return false;
    }
    if (const KeptBody::Lost lost = kept_->lost(); lost != KeptBody::Lost::kNo) {
      CountLost(lost, stats());
      return false;
    }
    Cluster* cluster = FindCluster();
    if (cluster != nullptr) token_ = cluster->TakeRetry(route_.forward->priority);
    if (token_ != nullptr) return true;
    stats().overflow.Add();
    exchange_.AddFlag(ResponseFlag::kUpstreamOverflow);
    return false;
  }

  // At least one turn of the loop, in which what is left of the last try goes.
  milliseconds Wait(const Result& result) const {
    const RetryPlan::Wait wait = plan_.WaitAfter(result, Random64(), exchange_.loop().WallNow());
    (wait.told ? stats().backoff_ratelimited : stats().backoff_exponential).Add();
    return std::max(wait.time, milliseconds(1));
  }

  void Prepare() {
    stats().retry.Add();
    tried_.push_back(exchange_.upstream.host);
    exchange_.upstream.transport_failure.clear();
    exchange_.times.response_head = exchange_.times.response_end = 0;
    host_fields_.Restore(exchange_.request_headers);
    if (route_.scope->include_request_attempt_count) {
      exchange_.request_headers.Set("x-envoy-attempt-count", std::to_string(exchange_.upstream.attempts + 1));
    }
  }

  void End() {
    token_.reset();
    kept_->StopKeeping();
  }

 private:
  const RetryStats& stats() const { return options_.stats->retries(); }

  const CompiledRoute& route_;
  Exchange& exchange_;
  RetryPlan plan_;
  const TryOptions options_;
  const bool complete_;
  const HostFields host_fields_;
  const std::shared_ptr<KeptBody> kept_;
  std::vector<Address> tried_;
  std::unique_ptr<RetryToken> token_;
};

ExchangeError ClusterGone() {
  ExchangeError error;
  error.flag = ResponseFlag::kNoClusterFound;
  error.detail = "cluster_not_found";
  return error;
}

}  // namespace

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
  EventLoop& loop = request.info().loop();
  Tries tries(route, request, std::move(plan), options);
  for (;;) {
    Cluster* cluster = tries.FindCluster();
    if (cluster == nullptr) co_return ClusterGone();
    const ResponseDeadline deadline = tries.Deadline();
    std::optional<Result> result = co_await Bounded<Result>(loop, tries.Start(*cluster), deadline);
    if (!result) result = tries.PerTryTimeout();
    if (!tries.Again(*result)) {
      tries.End();
      co_return *std::move(result);
    }
    const milliseconds wait = tries.Wait(*result);
    // With its connection, unless that is free already.
    result.reset();
    tries.Prepare();
    co_await Sleep(loop, wait);
  }
}

}  // namespace narthex
