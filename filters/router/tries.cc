#include "filters/router/tries.h"

#include <algorithm>
#include <utility>

#include "source/base/random.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

// How much of a request's body is kept unless the route has a limit.
constexpr uint64_t kDefaultLimit = 1024 * 1024;

constexpr std::string_view kHostFields[] = {":authority", "x-forwarded-host", "x-envoy-original-host"};

void CountLost(KeptBody::Lost lost, const RetryStats& stats) {
  stats.abandoned.Add();
  if (lost == KeptBody::Lost::kTooLong) stats.body_too_long.Add();
  if (lost == KeptBody::Lost::kBudget) stats.bodies_too_many.Add();
  if (lost == KeptBody::Lost::kInTransit) stats.body_in_transit.Add();
}

}  // namespace

Tries::HostFields::HostFields(const CompiledRoute& route, const HeaderMap& headers)
    : active_(route.forward->auto_host_rewrite) {
  if (!active_) return;
  for (size_t i = 0; i < std::size(kHostFields); ++i) {
    const std::string_view value = headers.Get(kHostFields[i]);
    if (value.data() != nullptr) values_[i] = std::string(value);
  }
}

void Tries::HostFields::Restore(HeaderMap& headers) const {
  if (!active_) return;
  for (size_t i = 0; i < std::size(kHostFields); ++i) {
    if (values_[i]) {
      headers.Set(kHostFields[i], *values_[i]);
    } else {
      headers.Remove(kHostFields[i]);
    }
  }
}

Tries::Tries(const CompiledRoute& route, Request& request, RetryPlan plan, TryOptions options)
    : route_(route),
      exchange_(request.info()),
      plan_(std::move(plan)),
      options_(options),
      complete_(request.body().complete()),
      host_fields_(route, request.headers()),
      kept_(KeptBody::Make(std::move(request.body()),
                           route.request_body_buffer_limit.value_or(kDefaultLimit))) {
  if (plan_.policy().priority_update_frequency > 0) {
    priorities_.emplace(plan_.policy().priority_update_frequency);
  }
}

Task<Tries::Result> Tries::Start(Cluster& cluster, Exchange& exchange) {
  AttemptOptions options;
  options.random = tried_.empty() ? exchange.random : Random64();
  if (plan_.policy().avoid_previous_hosts) {
    options.avoid = &tried_;
    options.host_tries = plan_.policy().host_tries;
  }
  if (priorities_) options.priorities = &*priorities_;
  return Try(cluster, route_, Request(KeptBody::Again(kept_), exchange), options, options_);
}

TryDeadline Tries::Deadline(const Exchange& exchange) const {
  const bool complete = complete_ || exchange_.times.request_end != 0;
  return TryDeadline(exchange_, exchange, plan_.per_try_timeout(), plan_.per_try_idle_timeout(), complete);
}

void Tries::NoteTimeout(const Exchange& exchange) const {
  if (Cluster* cluster = FindCluster()) cluster->NoteTimeout(exchange.upstream);
}

Tries::Result Tries::TimedOut(TryDeadline::Limit late, const Exchange& exchange) const {
  const bool idle = late == TryDeadline::Limit::kIdle;
  (idle ? stats().per_try_idle_timeout : stats().per_try_timeout).Add();
  NoteTimeout(exchange);
  ExchangeError error;
  error.flag = ResponseFlag::kUpstreamRequestTimeout;
  error.detail = idle ? "upstream_per_try_idle_timeout" : "upstream_per_try_timeout";
  return error;
}

std::unique_ptr<RetryToken> Tries::TakeRetry(bool beside) {
  if (!plan_.Take()) {
    stats().limit_exceeded.Add();
    exchange_.AddFlag(ResponseFlag::kUpstreamRetryLimitExceeded);
    return nullptr;
  }
  KeptBody::Lost lost = kept_->lost();
  if (lost == KeptBody::Lost::kNo && beside && !kept_->whole()) lost = KeptBody::Lost::kInTransit;
  if (lost != KeptBody::Lost::kNo) {
    CountLost(lost, stats());
    return nullptr;
  }
  Cluster* cluster = FindCluster();
  if (cluster != nullptr) {
    if (auto token = cluster->TakeRetry(route_.forward->priority)) return token;
  }
  stats().overflow.Add();
  exchange_.AddFlag(ResponseFlag::kUpstreamOverflow);
  return nullptr;
}

milliseconds Tries::Wait(const Result* result) const {
  const RetryPlan::Wait wait = plan_.WaitAfter(result, Random64(), exchange_.loop().WallNow());
  (wait.told ? stats().backoff_ratelimited : stats().backoff_exponential).Add();
  return std::max(wait.time, milliseconds(1));
}

void Tries::NoteTried(const Exchange& last) {
  stats().retry.Add();
  tried_.push_back(last.upstream.host);
  if (priorities_) priorities_->NoteFailure();
}

void Tries::PrepareHeaders(HeaderMap& headers) const {
  host_fields_.Restore(headers);
  if (!route_.scope->include_request_attempt_count) return;
  headers.Set("x-envoy-attempt-count", std::to_string(exchange_.upstream.attempts + 1));
}

void Tries::BoundBody(Response& response) const {
  if (plan_.per_try_idle_timeout().count() == 0 || response.body().complete()) return;
  // What follows a change of protocol is no response.
  if (OpensTunnel(exchange_.request_headers, response.status())) return;
  response.set_body(BoundEachPiece(std::move(response.body()), plan_.per_try_idle_timeout(), exchange_,
                                   stats().per_try_idle_timeout));
}

ExchangeError ClusterGone() {
  ExchangeError error;
  error.flag = ResponseFlag::kNoClusterFound;
  error.detail = "cluster_not_found";
  return error;
}

}  // namespace narthex
