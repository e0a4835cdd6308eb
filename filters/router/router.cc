#include "filters/router/router.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "filters/router/edit_messages.h"
#include "filters/router/hedged_call.h"
#include "filters/router/mirror.h"
#include "filters/router/retried_call.h"
#include "filters/router/timeouts.h"
#include "source/config/unpack.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"
#include "source/router/compiled_route.h"
#include "source/stats/stats.h"

namespace narthex {
namespace {

namespace router_v3 = envoy::extensions::filters::http::router::v3;

// http.<stat_prefix>.*: what the router was asked and did without a cluster.
struct RouterStats {
  explicit RouterStats(const std::string& prefix) {
    StatsStore& store = StatsStore::Process();
    rq_total = store.MakeCounter(prefix + "rq_total");
    rq_direct_response = store.MakeCounter(prefix + "rq_direct_response");
    no_cluster = store.MakeCounter(prefix + "no_cluster");
  }

  Counter rq_total;
  Counter rq_direct_response;  // redirects, too
  Counter no_cluster;
};

struct RouterOptions {
  explicit RouterOptions(const std::string& prefix) : stats(prefix), mirrors(prefix) {}

  RouterStats stats;
  MirrorStats mirrors;
  bool count_codes = true;
  bool envoy_headers = true;
  bool respect_expected_timeout = false;
  std::vector<std::string> strict_headers;
};

Response AnswerRedirect(const CompiledRoute& route, Exchange& exchange) {
  FormatContext context{&exchange, &exchange.request_headers, nullptr, nullptr, {}};
  std::string location = RedirectLocation(*route.redirect, route, context);
  if (location.empty()) {
    return LocalReply(500, "redirect_location_invalid", "the route makes an invalid URL of this request's");
  }
  Response response = LocalReply(route.redirect->status, "direct_response");
  if (IsHeaderValue(location)) response.headers().Set(Header::kLocation, location);
  return response;
}

Response AnswerDirectly(const CompiledRoute& route, Exchange& exchange) {
  const DirectResponse& answer = *route.direct_response;
  Response response = LocalReply(answer.status, "direct_response", answer.body);
  // As Envoy does: the request's own URI.
  if (answer.status == 201 || answer.status / 100 == 3) {
    FormatContext context{&exchange, &exchange.request_headers, nullptr, nullptr, {}};
    const std::string location = RedirectLocation(RedirectAction(), route, context);
    if (!location.empty()) response.headers().Set(Header::kLocation, location);
  }
  return response;
}

Response StrictCheckFailed(Exchange& exchange, std::string_view header, std::string_view value) {
  exchange.AddFlag(ResponseFlag::kInvalidEnvoyRequestHeaders);
  std::string detail = "request_headers_failed_strict_check{";
  detail.append(header).append("}");
  std::string body = "invalid header '";
  body.append(header).append("' with value '").append(value).append("'");
  return LocalReply(400, detail, body, ResponseFlag::kInvalidEnvoyRequestHeaders);
}

const ClusterResponseStats& StatsOf(const CompiledRoute& route, const Cluster& cluster) {
  return route.cluster_stats != nullptr ? *route.cluster_stats
                                        : ClusterResponseStats::OfNamed(cluster.name());
}

class Router final : public HttpFilter {
 public:
  explicit Router(RouterOptions options) : options_(std::move(options)) {}

  Task<Response> Handle(Request request, Next) const override {
    const CompiledRoute& route = CompiledRouteOf(request);
    Exchange& exchange = request.info();
    options_.stats.rq_total.Add();
    if (route.forward == nullptr) co_return AnswerItself(route, exchange);
    Cluster* cluster = FindCluster(route, request);
    if (cluster == nullptr) co_return ClusterNotFound(route, exchange);
    exchange.upstream.cluster = cluster->name();
    if (!options_.strict_headers.empty()) {
      std::string_view header = FindInvalidHeader(request.headers(), options_.strict_headers);
      if (!header.empty()) co_return StrictCheckFailed(exchange, header, request.headers().Get(header));
    }
    // Before the route changes the request, as Envoy chooses.
    RequestHash hash;
    if (route.forward->hash_policies != nullptr) hash = route.forward->hash_policies->HashOf(request);
    const auto timeout = TimeoutFor(*route.forward, request, options_.respect_expected_timeout);
    std::optional<RetryPlan> plan = RetryPlan::For(route, request, timeout);
    if (auto refused = EditRequest(route, request, timeout, options_.envoy_headers)) {
      co_return *std::move(refused);
    }
    const ResponseDeadline deadline(exchange, timeout, request.body().complete());
    exchange.times.upstream_start = exchange.loop().NowUs();
    const ClusterResponseStats& stats = StatsOf(route, *cluster);
    SendMirrors(route, request, timeout, options_.mirrors, stats);
    std::optional<ClientConnection::Result> result = co_await Bounded(
        exchange.loop(), Call(*cluster, route, std::move(request), hash.value, std::move(plan), stats),
        deadline);
    Response response = ResponseFor(std::move(result), exchange, stats, hash);
    EditResponse(route, exchange, response, options_.envoy_headers);
    // What follows a change of protocol is no response but a conversation, which may take as long as it
    // likes.
    const bool conversation = OpensTunnel(exchange.request_headers, response.status());
    if (deadline.limited() && !conversation && !response.body().complete()) {
      response.set_body(BoundBody(std::move(response.body()), deadline, exchange, stats.timeouts()));
    }
    if (options_.count_codes) stats.Count(response.status());
    if (route.route_stats != nullptr) CountForRoute(*route.route_stats, exchange, response.status());
    co_return response;
  }

 private:
  // One try at the cluster, or as many as the plan allows.
  Task<ClientConnection::Result> Call(Cluster& cluster, const CompiledRoute& route, Request request,
                                      std::optional<uint64_t> hash, std::optional<RetryPlan> plan,
                                      const ClusterResponseStats& stats) const {
    const TryOptions tries{options_.envoy_headers, hash, &stats};
    if (plan) {
      const bool hedged = plan->hedges() && !AsksForTunnel(request.headers());
      return (hedged ? HedgedCall : RetriedCall)(route, std::move(request), *std::move(plan), tries);
    }
    AttemptOptions options;
    options.random = request.info().random;
    return Try(cluster, route, std::move(request), options, tries);
  }

  Response AnswerItself(const CompiledRoute& route, Exchange& exchange) const {
    if (route.redirect == nullptr && route.direct_response == nullptr) {
      return LocalReply(404, "route_not_found", "", ResponseFlag::kNoRouteFound);
    }
    options_.stats.rq_direct_response.Add();
    Response response =
        route.redirect != nullptr ? AnswerRedirect(route, exchange) : AnswerDirectly(route, exchange);
    MutateResponse(route, exchange, response);
    return response;
  }

  static Cluster* FindCluster(const CompiledRoute& route, const Request& request) {
    std::string_view name = route.cluster;
    if (name.empty()) name = request.headers().Get(route.forward->cluster_header);
    return name.empty() ? nullptr : request.info().clusters->Find(name);
  }

  Response ClusterNotFound(const CompiledRoute& route, Exchange& exchange) const {
    options_.stats.no_cluster.Add();
    exchange.upstream.cluster = {};
    exchange.AddFlag(ResponseFlag::kNoClusterFound);
    Response response = LocalReply(route.forward->cluster_not_found_status, "cluster_not_found", "",
                                   ResponseFlag::kNoClusterFound);
    MutateResponse(route, exchange, response);
    return response;
  }

  // `result` is none when the deadline has passed.
  Response ResponseFor(std::optional<ClientConnection::Result> result, Exchange& exchange,
                       const ClusterResponseStats& stats, const RequestHash& hash) const {
    if (!result) return DeadlinePassed(exchange, stats);
    if (auto* response = std::get_if<Response>(&*result)) {
      return FromUpstream(std::move(*response), exchange, hash);
    }
    return Failed(std::get<ExchangeError>(std::move(*result)), exchange);
  }

  void CountForRoute(const RouteStats& stats, const Exchange& exchange, int status) const {
    if (!exchange.upstream.protocol.empty()) stats.total.Add();
    if (options_.count_codes) stats.codes.Count(status);
  }

  Response DeadlinePassed(Exchange& exchange, const ClusterResponseStats& stats) const {
    CountTimeout(exchange, stats.timeouts());
    // The cluster may be another by now.
    Cluster* waited = exchange.clusters->Find(exchange.upstream.cluster);
    if (waited != nullptr) waited->NoteTimeout(exchange.upstream);
    ExchangeError error;
    error.flag = ResponseFlag::kUpstreamRequestTimeout;
    error.detail = "response_timeout";
    return Failed(std::move(error), exchange);
  }

  Response Failed(ExchangeError error, Exchange& exchange) const {
    if (error.flag != ResponseFlag::kNone) exchange.AddFlag(error.flag);
    Response response = LocalReplyFor(std::move(error), exchange.upstream.attempts > 1);
    if (!options_.envoy_headers) response.headers().Remove("x-envoy-overloaded");
    return response;
  }

  static Response FromUpstream(Response response, Exchange& exchange, const RequestHash& hash) {
    for (const std::string& cookie : hash.set_cookies) response.headers().Add(Header::kSetCookie, cookie);
    if (exchange.times.response_head == 0) exchange.times.response_head = exchange.loop().NowUs();
    exchange.response_details = "via_upstream";
    exchange.response_status = response.status();
    return response;
  }

  RouterOptions options_;
};

std::shared_ptr<const HttpFilter> MakeRouter(const google::protobuf::Any& any, FilterContext& context) {
  auto config = Unpack<router_v3::Router>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  RouterOptions options(context.stat_prefix);
  options.count_codes = !config->has_dynamic_stats() || config->dynamic_stats().value();
  options.mirrors.count_codes = options.count_codes;
  options.envoy_headers = !config->suppress_envoy_headers();
  options.respect_expected_timeout = config->respect_expected_rq_timeout();
  options.strict_headers.assign(config->strict_check_headers().begin(), config->strict_check_headers().end());
  return std::make_shared<const Router>(std::move(options));
}

}  // namespace

FilterFactory RouterFilter() {
  FilterFactory factory{};
  factory.name = "envoy.filters.http.router";
  factory.type = "envoy.extensions.filters.http.router.v3.Router";
  factory.terminal = true;
  factory.make = MakeRouter;
  return factory;
}

}  // namespace narthex
