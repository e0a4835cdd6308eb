#include "filters/health_check/health_check.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "source/config/unpack.h"
#include "source/filter/health_flag.h"
#include "source/router/compile_matchers.h"
#include "source/router/matchers.h"
#include "source/upstream/cluster.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::health_check::v3;

constexpr std::string_view kCheckedCluster = "x-envoy-upstream-healthchecked-cluster";
constexpr std::string_view kImmediateFail = "x-envoy-immediate-health-check-fail";

// The upstream's last answer to a health check, shared by all workers: a status and until when it holds, in
// one word so that both are of the same answer. Thread-safe.
class CachedStatus {
 public:
  void Store(int status, uint64_t until_ms) {
    word_.store(until_ms << kStatusBits | static_cast<uint64_t>(status), std::memory_order_relaxed);
  }
  // 0 when there is none that still holds.
  int Load(uint64_t now_ms) const {
    const uint64_t word = word_.load(std::memory_order_relaxed);
    return now_ms < word >> kStatusBits ? static_cast<int>(word & ((1u << kStatusBits) - 1)) : 0;
  }

 private:
  static constexpr int kStatusBits = 10;
  std::atomic<uint64_t> word_{0};
};

// A cluster that must have enough healthy hosts.
struct RequiredCluster {
  std::string name;
  double min_healthy_percent;
};

struct HealthCheckSettings {
  bool pass_through = false;
  uint64_t cache_ms = 0;  // 0: no cache
  std::vector<RequiredCluster> clusters;
  std::vector<HeaderMatcher> headers;
  std::string node_cluster;
};

struct Verdict {
  int status;
  std::string_view detail;
};

Verdict Judge(const std::vector<RequiredCluster>& required, ClusterManager* clusters) {
  for (const RequiredCluster& required_cluster : required) {
    const Cluster* cluster = clusters == nullptr ? nullptr : clusters->Find(required_cluster.name);
    if (cluster == nullptr) return {503, "health_check_failed_no_cluster_found"};
    const HostCounts hosts = cluster->host_counts();
    const double least = required_cluster.min_healthy_percent;
    if (hosts.total == 0 && least > 0) return {503, "health_check_failed_cluster_empty"};
    const auto usable = static_cast<double>(hosts.healthy + hosts.degraded);
    if (100 * usable < static_cast<double>(hosts.total) * least) {
      return {503, "health_check_failed_cluster_unhealthy"};
    }
  }
  return {200, required.empty() ? "health_check_ok" : "health_check_ok_cluster_healthy"};
}

class HealthChecking : public HttpFilter {
 public:
  explicit HealthChecking(HealthCheckSettings settings) : settings_(std::move(settings)) {}

  Task<Response> Handle(Request request, Next next) const override {
    Exchange& info = request.info();
    const bool is_check =
        std::all_of(settings_.headers.begin(), settings_.headers.end(),
                    [&](const auto& matcher) { return matcher.Matches(request.headers()); });
    if (!is_check) {
      Response response = co_await next(std::move(request));
      if (HealthFlag::failing()) response.headers().Set(kImmediateFail, "true");
      co_return response;
    }

    info.is_health_check = true;
    const int cached = settings_.cache_ms > 0 ? cached_.Load(info.loop().NowMs()) : 0;
    if (!settings_.pass_through || HealthFlag::failing() || cached != 0) co_return Answer(info, cached);

    Response response = co_await next(std::move(request));
    if (settings_.cache_ms > 0) {
      cached_.Store(response.status(), info.loop().NowMs() + settings_.cache_ms);
    }
    response.headers().Set(kCheckedCluster, settings_.node_cluster);
    co_return response;
  }

 private:
  Response Answer(Exchange& info, int cached) const {
    Verdict verdict = {503, "health_check_failed"};
    if (!HealthFlag::failing()) {
      verdict =
          cached != 0 ? Verdict{cached, "health_check_cached"} : Judge(settings_.clusters, info.clusters);
    }
    const bool good = verdict.status >= 200 && verdict.status < 300;
    const ResponseFlag flag = good ? ResponseFlag::kNone : ResponseFlag::kFailedLocalHealthCheck;
    if (!good) info.AddFlag(flag);
    Response response = LocalReply(verdict.status, verdict.detail, {}, flag);
    response.headers().Set(kCheckedCluster, settings_.node_cluster);
    return response;
  }

  const HealthCheckSettings settings_;
  mutable CachedStatus cached_;
};

// Sorted by name, so that the reason given for a 503 does not depend on the map's order.
std::vector<RequiredCluster> CompileClusters(const v3::HealthCheck& config) {
  std::map<std::string, double> percentages;
  for (const auto& [name, percent] : config.cluster_min_healthy_percentages()) {
    percentages.emplace(name, percent.value());
  }
  std::vector<RequiredCluster> clusters;
  for (const auto& [name, percent] : percentages) clusters.push_back({name, percent});
  return clusters;
}

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::HealthCheck> config = Unpack<v3::HealthCheck>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  HealthCheckSettings settings;
  settings.pass_through = config->pass_through_mode().value();
  settings.node_cluster = context.node_cluster;
  settings.clusters = CompileClusters(*config);
  settings.cache_ms = config->cache_time().seconds() * 1000 + config->cache_time().nanos() / 1'000'000;
  if (settings.cache_ms > 0 && !settings.pass_through) {
    context.diagnostics.Error(context.path.Field("cache_time"),
                              "must not be set unless pass_through_mode is true");
    return nullptr;
  }
  if (!settings.clusters.empty() && settings.pass_through) {
    context.diagnostics.Warning(context.path.Field("cluster_min_healthy_percentages"),
                                "has no effect when pass_through_mode is true");
  }
  for (int i = 0; i < config->headers_size(); ++i) {
    HeaderMatcher matcher;
    const ConfigPath at = context.path.Field("headers").Index(i);
    if (!CompileHeaderMatcher(config->headers(i), at, context.diagnostics, matcher)) return nullptr;
    settings.headers.push_back(std::move(matcher));
  }
  return std::make_shared<HealthChecking>(std::move(settings));
}

}  // namespace

FilterFactory HealthCheckFilter() {
  return {.name = "envoy.filters.http.health_check",
          .type = "envoy.extensions.filters.http.health_check.v3.HealthCheck",
          .route_type = "",
          .make = &Make,
          .make_route = nullptr};
}

}  // namespace narthex
