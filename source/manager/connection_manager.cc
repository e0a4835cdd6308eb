#include "source/manager/connection_manager.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "source/base/random.h"
#include "source/event/timeout.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"
#include "source/manager/access_log.h"
#include "source/manager/date_header.h"
#include "source/manager/local_reply_policy.h"
#include "source/manager/stream_deadline.h"
#include "source/manager/tunnel_chain.h"
#include "source/overload/overload_state.h"
#include "source/router/grpc_timeout.h"
#include "source/router/matchers.h"

namespace narthex {
namespace {

using Outcome = Admission::Outcome;

// REQUIRES: OnStart was called.
const HcmConfig& ConfigOf(const Exchange& exchange) {
  return *static_cast<const HcmConfig*>(exchange.snapshot.get());
}

void Count(const HcmStats& stats, const Admission& admission) {
  if (admission.dropped_headers > 0) stats.dropped_headers_with_underscores.Add(admission.dropped_headers);
  switch (admission.outcome) {
    case Outcome::kUnderscoreInHeader:
      return stats.rejected_with_underscores.Add();
    case Outcome::kRefusedPath:
      return stats.rq_failed_path_normalization.Add();
    case Outcome::kRedirectedPath:
      return stats.rq_redirected_with_normalized_path.Add();
    case Outcome::kNonRelativePath:
      return stats.rq_non_relative_path.Add();
    case Outcome::kNoClientAddress:
      return stats.rq_rejected_via_ip_detection.Add();
    case Outcome::kNoRoute:
      return stats.no_route.Add();
    case Outcome::kRouted:
    case Outcome::kMissingPath:
      return;
  }
}

Response RefusalFor(const Admission& admission) {
  ResponseFlag flag = ResponseFlag::kNone;
  std::string_view text;
  if (admission.outcome == Outcome::kUnderscoreInHeader) {
    flag = ResponseFlag::kDownstreamProtocolError;
    text = ReasonPhrase(admission.status());
  }
  Response response = LocalReply(admission.status(), admission.detail(), text, flag);
  if (!admission.location.empty()) response.headers().Set(Header::kLocation, admission.location);
  return response;
}

// Whose turn it was decides the status, as in Envoy.
Response DurationReply(const Exchange& exchange, bool request_complete) {
  constexpr std::string_view kDeadlineExceeded = "4";
  Response response =
      LocalReply(request_complete ? 504 : 408, kMaxDurationTimeout, "downstream duration timeout");
  if (IsGrpc(exchange.request_headers)) response.headers().Set(Header::kGrpcStatus, kDeadlineExceeded);
  return response;
}

// The route's changes to response headers also apply to what filters and the manager answer in place of its
// cluster; the router makes its own.
void MutateLocalReply(Exchange& exchange, Response& response) {
  const auto* route = static_cast<const CompiledRoute*>(exchange.route());
  if (route == nullptr || route->forward == nullptr || exchange.response_mutated) return;
  exchange.response_mutated = true;
  if (route->response_mutations == nullptr) return;
  FormatContext context{&exchange, &exchange.request_headers, &response.headers(), nullptr, {}};
  ApplyToLocalReply(*route->response_mutations, response.headers(), context);
}

// One that counts for as long as its exchange lasts.
class ActiveUpgrade {
 public:
  explicit ActiveUpgrade(Gauge gauge) : gauge_(gauge) { gauge_.Add(1); }
  ActiveUpgrade(const ActiveUpgrade&) = delete;
  ~ActiveUpgrade() { gauge_.Sub(1); }

 private:
  Gauge gauge_;
};

// What every response goes through last.
Response Finish(const HcmConfig& config, Exchange& exchange, Response response) {
  if (const ExchangeError* local = response.local()) {
    if (local->flag != ResponseFlag::kNone) exchange.AddFlag(local->flag);
    exchange.response_details = local->detail;
    if (response.status() == 413) config.stats.rq_too_large.Add();
    MutateLocalReply(exchange, response);
    FinishLocalReply(config.local_replies.get(), exchange, response);
  } else if (exchange.response_details.empty()) {
    exchange.response_details = "via_upstream";
  }
  // A success that opens no tunnel would be taken for one that does.
  if (response.local() != nullptr && OpensTunnel(exchange.request_headers, response.status())) {
    response.set_status(502);
  }
  exchange.response_status = response.status();
  if (OpensTunnel(exchange.request_headers, response.status())) {
    config.stats.cx_upgrades_total.Add();
    exchange.Hold(std::make_shared<ActiveUpgrade>(config.stats.cx_upgrades_active));
  }
  FinishResponse(config.headers, response.headers());
  if (!response.headers().Has(Header::kDate)) {
    std::string_view date = HttpDate(exchange.loop().WallNow());
    char* copy = response.headers().Allocate(date.size());
    std::memcpy(copy, date.data(), date.size());
    response.headers().AddView(Header::kDate, std::string_view(copy, date.size()));
  }
  if (config.request_id.always_in_response) {
    std::string_view id = exchange.request_headers.Get(Header::kXRequestId);
    if (!id.empty()) response.headers().Set(Header::kXRequestId, id);
  }
  return response;
}

// The most specific limit: what a gRPC client asks for, the route's, or the manager's; none at all is no
// limit.
std::optional<std::chrono::milliseconds> MaxDuration(const HcmConfig& config, const CompiledRoute& route,
                                                     const HeaderMap& request) {
  if (route.forward != nullptr) {
    if (const auto of_client = GrpcTimeoutOf(*route.forward, request)) return of_client;
    if (route.forward->max_stream_duration) return route.forward->max_stream_duration;
  }
  if (config.max_stream_duration.count() > 0) return config.max_stream_duration;
  return std::nullopt;
}

// Goes on without the tunnel that was asked for, as an upgrade may (RFC 9110 section 7.8).
void DropTunnel(Request& request) {
  request.headers().Remove(Header::kUpgrade);
  request.headers().Remove(Header::kConnection);
  request.set_body(Body());
}

std::string_view TimeoutText(std::string_view detail) {
  if (detail == "request_header_timeout") return "request header timeout";
  if (detail == "request_overall_timeout") return "request timeout";
  if (detail.starts_with("stream_idle_timeout")) return "stream timeout";
  return {};
}

void CountRefusal(const HcmStats& stats, std::string_view detail) {
  if (detail == "request_header_timeout") stats.rq_header_timeout.Add();
  if (detail == "request_overall_timeout") stats.rq_timeout.Add();
  if (detail == "absolute_path_rejected") stats.rq_non_relative_path.Add();
}

// The snapshot keeps the table alive, and the table its routes.
void TakeRoute(Exchange& exchange, const CompiledRoute& route) {
  exchange.set_route(route);
  exchange.route_name = route.name;
  exchange.upstream.cluster = route.cluster;
  if (route.forward != nullptr && route.forward->idle_timeout) {
    exchange.SetIdleTimeout(*route.forward->idle_timeout);
  }
}

// How long the cluster took, once the whole request was there.
void RecordUpstreamTime(const Exchange& exchange) {
  const auto* route = static_cast<const CompiledRoute*>(exchange.route());
  const ExchangeTimes& times = exchange.times;
  if (route == nullptr || route->cluster_stats == nullptr || times.response_end == 0) return;
  const uint64_t asked = std::max(times.request_end, times.upstream_start);
  route->cluster_stats->time().Record(times.response_end > asked ? (times.response_end - asked) / 1000 : 0);
}

// What the overloaded process makes of a request that begins. Not inlined: it is rare.
[[gnu::noinline]] void MeetOverload(OverloadState::Odds odds, const HcmConfig& config, Exchange& exchange) {
  exchange.overloaded = OverloadState::Odds::Take(odds.refuse, Random64());
  if (exchange.protocol == "HTTP/2" || !OverloadState::Odds::Take(odds.close, Random64())) return;
  exchange.close_connection = true;
  config.stats.cx_overload_disable_keepalive.Add();
}

}  // namespace

void ConnectionManager::OnStart(Exchange& exchange) {
  std::shared_ptr<const HcmConfig> config = source_.Current();
  config->stats.rq_total.Add();
  (exchange.protocol == "HTTP/2" ? config->stats.rq_http2_total : config->stats.rq_http1_total).Add();
  config->stats.rq_active.Add(1);
  const OverloadState::Odds overload = OverloadState::Now();
  if (overload.any()) [[unlikely]]
    MeetOverload(overload, *config, exchange);
  exchange.snapshot = std::move(config);
  exchange.clusters = source_.Clusters();
  exchange.client = exchange.connection().remote;
  exchange.random = Random64();
}

Task<Response> ConnectionManager::Handle(Request request) {
  Exchange& exchange = request.info();
  const HcmConfig& config = ConfigOf(exchange);
  if (exchange.overloaded) [[unlikely]] {
    // Before anything is made of it, filters included: what is short may be memory.
    config.stats.rq_overload_close.Add();
    co_return Finish(config, exchange, LocalReplyFor({.flag = ResponseFlag::kOverloadManager}));
  }
  Admission admission = Admit(config, exchange.connection(), request.headers(), &exchange, exchange.random);
  Count(config.stats, admission);
  if (!admission.client.address.empty()) exchange.client = admission.client.address;
  exchange.internal = admission.client.internal;
  // Without a route, too, the filters see it: one of them may have the answer (health_check).
  const bool no_route = admission.outcome == Outcome::kNoRoute;
  if (admission.outcome != Outcome::kRouted && !no_route) {
    co_return Finish(config, exchange, RefusalFor(admission));
  }
  const CompiledRoute& route = no_route ? *config.no_route : *admission.route;
  TakeRoute(exchange, route);
  const FilterChain* chain = route.chain.get();
  if (AsksForTunnel(request.headers())) {
    const FilterChain* const tunnel = TunnelChain::Of(config, route, request.headers()).chain;
    const bool only = exchange.upgrade_only || (IsConnect(request.headers()) && !no_route);
    if (tunnel == nullptr && only) co_return Finish(config, exchange, LocalReply(403, "upgrade_failed"));
    if (tunnel == nullptr) DropTunnel(request);
    if (tunnel != nullptr) chain = tunnel;
  }
  Next first(chain->data());
  exchange.max_duration = MaxDuration(config, route, request.headers());
  const auto limit = exchange.max_duration.value_or(std::chrono::milliseconds(0));
  if (limit.count() <= 0) co_return Finish(config, exchange, co_await first(std::move(request)));

  uint64_t deadline = exchange.loop().NowMs() + static_cast<uint64_t>(limit.count());
  bool whole = request.body().complete();
  std::optional<Response> response =
      co_await WithTimeout<Response>(exchange.loop(), first(std::move(request)), limit);
  if (!response) {
    config.stats.rq_max_duration_reached.Add();
    response = DurationReply(exchange, whole || exchange.times.request_end != 0);
  } else {
    EndBodyAt(exchange.loop(), deadline, config.stats.rq_max_duration_reached, *response);
  }
  co_return Finish(config, exchange, *std::move(response));
}

Response ConnectionManager::Refuse(Exchange& exchange, int status, ExchangeError error) {
  const HcmConfig& config = ConfigOf(exchange);
  CountRefusal(config.stats, error.detail);
  if (error.flag == ResponseFlag::kDownstreamProtocolError) config.stats.cx_protocol_error.Add();
  std::string_view text = TimeoutText(error.detail);
  if (text.empty()) text = ReasonPhrase(status);
  return Finish(config, exchange, LocalReply(status, error.detail, text, error.flag));
}

void ConnectionManager::OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap* response,
                              const HeaderMap* response_trailers) {
  const HcmConfig& config = ConfigOf(exchange);
  if (exchange.times.end == 0) exchange.times.end = exchange.loop().NowUs();
  if (exchange.response_status == 0 && exchange.flags() == 0) {
    // Nobody has given it up but the client.
    exchange.AddFlag(ResponseFlag::kDownstreamConnectionTermination);
    exchange.response_details = "downstream_remote_disconnect";
  }
  const HcmStats& stats = config.stats;
  stats.rq_active.Sub(1);
  if (exchange.HasFlag(ResponseFlag::kDownstreamConnectionTermination)) stats.rq_rx_reset.Add();
  // Whether it was answered with 408 or 504, or broken off because its response had begun.
  if (exchange.HasFlag(ResponseFlag::kStreamIdleTimeout)) stats.rq_idle_timeout.Add();
  if (exchange.times.start != 0) {
    stats.rq_time.Record((exchange.times.end - exchange.times.start) / 1000);
  }
  stats.cx_rx_bytes_total.Add(exchange.request_header_bytes + exchange.request_body_bytes);
  stats.cx_tx_bytes_total.Add(exchange.response_header_bytes + exchange.response_body_bytes);
  RecordUpstreamTime(exchange);
  // A health check that the gateway answered is no traffic.
  int status_class = exchange.response_status / 100;
  if (!exchange.is_health_check && status_class >= 1 && status_class <= 5) {
    stats.rq_completed.Add();
    stats.rq_by_class[static_cast<size_t>(status_class - 1)].Add();
  }
  for (const auto& log : config.access_logs) log->Log({&exchange, request, response, response_trailers, {}});
}

}  // namespace narthex
