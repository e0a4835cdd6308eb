#include "filters/fault/fault.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "filters/fault/fault_rules.h"
#include "source/config/unpack.h"
#include "source/event/timeout.h"
#include "source/router/compile_matchers.h"
#include "source/router/matchers.h"
#include "source/stats/stats.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::fault::v3;

// One compiled HTTPFault: the filter's own, or a route's in its place.
struct FaultRules : RouteFilterConfig {
  std::optional<DelayRule> delay;
  std::optional<AbortRule> abort;
  std::string cluster;  // empty: any
  std::vector<std::string> nodes;
  std::vector<HeaderMatcher> headers;
  int64_t max_active = 0;

  bool AppliesTo(const Request& request) const {
    if (!cluster.empty() && request.route().cluster != cluster) return false;
    const std::string_view node = request.headers().Get("x-envoy-downstream-service-node");
    if (!nodes.empty() && std::find(nodes.begin(), nodes.end(), node) == nodes.end()) return false;
    return std::all_of(headers.begin(), headers.end(),
                       [&](const HeaderMatcher& matcher) { return matcher.Matches(request.headers()); });
  }
};

struct FaultCounters {
  Counter delays;
  Counter aborts;
  Counter overflows;
  Gauge active;
};

// The faults at work in the whole process; the filter and each exchange with a fault share it.
struct ActiveFaults {
  explicit ActiveFaults(Gauge shown) : gauge(shown) {}
  std::atomic<int64_t> count{0};
  const Gauge gauge;
};

// One fault that was counted, until its exchange has ended.
class ActiveFault {
 public:
  explicit ActiveFault(std::shared_ptr<ActiveFaults> faults) : faults_(std::move(faults)) {
    faults_->gauge.Add(1);
  }
  ActiveFault(const ActiveFault&) = delete;
  ~ActiveFault() {
    faults_->count.fetch_sub(1, std::memory_order_relaxed);
    faults_->gauge.Sub(1);
  }

 private:
  const std::shared_ptr<ActiveFaults> faults_;
};

// The connection manager gives it the form for gRPC clients, with this status.
Response AbortReply(const Request& request, const Abort& abort) {
  Response response =
      LocalReply(abort.http_status, "fault_filter_abort", "fault filter abort", ResponseFlag::kFaultInjected);
  if (abort.grpc_status && IsGrpc(request.headers())) {
    response.headers().Set(Header::kGrpcStatus, std::to_string(*abort.grpc_status));
  }
  return response;
}

class Fault : public HttpFilter {
 public:
  Fault(std::string name, std::shared_ptr<const FaultRules> rules, FaultCounters counters)
      : name_(std::move(name)),
        rules_(std::move(rules)),
        counters_(counters),
        active_(std::make_shared<ActiveFaults>(counters.active)) {}

  Task<Response> Handle(Request request, Next next) const override {
    const FaultRules* of_route = request.route().Config<FaultRules>(name_);
    const FaultRules& rules = of_route != nullptr ? *of_route : *rules_;
    if (!rules.AppliesTo(request)) co_return co_await next(std::move(request));

    Exchange& info = request.info();
    const auto delay = rules.delay ? rules.delay->For(request.headers(), info.random)
                                   : std::optional<std::chrono::milliseconds>();
    const auto abort =
        rules.abort ? rules.abort->For(request.headers(), info.random) : std::optional<Abort>();
    if ((!delay && !abort) || !Admit(rules, info)) co_return co_await next(std::move(request));

    if (delay) {
      counters_.delays.Add();
      info.AddFlag(ResponseFlag::kDelayInjected);
      co_await Sleep(info.loop(), *delay);
    }
    if (!abort) co_return co_await next(std::move(request));
    counters_.aborts.Add();
    info.AddFlag(ResponseFlag::kFaultInjected);
    co_return AbortReply(request, *abort);
  }

 private:
  // Whether one more fault may be active. Counted before it is compared, so that workers that ask in the same
  // instant don't exceed the limit together.
  bool Admit(const FaultRules& rules, Exchange& info) const {
    if (active_->count.fetch_add(1, std::memory_order_relaxed) >= rules.max_active) {
      active_->count.fetch_sub(1, std::memory_order_relaxed);
      counters_.overflows.Add();
      return false;
    }
    info.Hold(std::make_shared<ActiveFault>(active_));
    return true;
  }

  const std::string name_;
  const std::shared_ptr<const FaultRules> rules_;
  const FaultCounters counters_;
  const std::shared_ptr<ActiveFaults> active_;
};

// The runtime key that the configuration names, or Envoy's own for this.
double FromRuntime(const FilterContext& context, const std::string& configured, std::string_view usual,
                   double otherwise) {
  return RuntimeNumber(context.runtime, configured.empty() ? usual : configured, otherwise);
}

// The share that `rule` ("delay") names, unless the runtime says another (not below 0).
Share CompileShare(const envoy::type::v3::FractionalPercent& percent, std::string_view rule,
                   const FilterContext& context, double of_runtime) {
  FractionMatcher share =
      CompileFraction(percent, context.path.Field(rule).Field("percentage"), context.diagnostics);
  if (of_runtime >= 0) share = FractionMatcher::OfPercent(of_runtime);
  return Share{static_cast<uint32_t>(share.numerator), static_cast<uint32_t>(share.denominator)};
}

DelayRule CompileDelay(const v3::HTTPFault& fault, const FilterContext& context) {
  const auto& config = fault.delay();
  DelayRule rule;
  rule.share = CompileShare(
      config.percentage(), "delay", context,
      FromRuntime(context, fault.delay_percent_runtime(), "fault.http.delay.fixed_delay_percent", -1));
  if (config.has_fixed_delay()) {
    const auto& delay = config.fixed_delay();
    const double configured = static_cast<double>(delay.seconds() * 1000 + delay.nanos() / 1'000'000);
    const double milliseconds = FromRuntime(context, fault.delay_duration_runtime(),
                                            "fault.http.delay.fixed_duration_ms", configured);
    rule.fixed = std::chrono::milliseconds(static_cast<int64_t>(std::clamp(milliseconds, 0.0, 1e9)));
  }
  return rule;
}

AbortRule CompileAbort(const v3::HTTPFault& fault, const FilterContext& context) {
  const auto& config = fault.abort();
  AbortRule rule;
  rule.share =
      CompileShare(config.percentage(), "abort", context,
                   FromRuntime(context, fault.abort_percent_runtime(), "fault.http.abort.abort_percent", -1));
  if (config.error_type_case() == v3::FaultAbort::kHttpStatus) {
    const double status = FromRuntime(context, fault.abort_http_status_runtime(),
                                      "fault.http.abort.http_status", config.http_status());
    // No status at all stands for the configured one.
    const bool fine = status >= 200 && status < 600;
    rule.fixed =
        Abort{fine ? static_cast<int>(status) : static_cast<int>(config.http_status()), std::nullopt};
  } else if (config.error_type_case() == v3::FaultAbort::kGrpcStatus) {
    const double status = FromRuntime(context, fault.abort_grpc_status_runtime(),
                                      "fault.http.abort.grpc_status", config.grpc_status());
    rule.fixed = Abort{200, static_cast<uint32_t>(std::clamp(status, 0.0, 4294967295.0))};
  }
  return rule;
}

int64_t CompileMaxActive(const v3::HTTPFault& fault, const FilterContext& context) {
  const double configured = fault.has_max_active_faults() ? fault.max_active_faults().value() : -1;
  const double limit =
      FromRuntime(context, fault.max_active_faults_runtime(), "fault.http.max_active_faults", configured);
  return limit < 0 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(std::min(limit, 1e15));
}

std::shared_ptr<const FaultRules> Compile(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::HTTPFault> config = Unpack<v3::HTTPFault>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  auto rules = std::make_shared<FaultRules>();
  if (config->has_delay()) rules->delay = CompileDelay(*config, context);
  if (config->has_abort()) rules->abort = CompileAbort(*config, context);
  rules->cluster = config->upstream_cluster();
  rules->nodes.assign(config->downstream_nodes().begin(), config->downstream_nodes().end());
  rules->max_active = CompileMaxActive(*config, context);
  for (int i = 0; i < config->headers_size(); ++i) {
    HeaderMatcher matcher;
    const ConfigPath at = context.path.Field("headers").Index(i);
    if (!CompileHeaderMatcher(config->headers(i), at, context.diagnostics, matcher)) return nullptr;
    rules->headers.push_back(std::move(matcher));
  }
  return rules;
}

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  std::shared_ptr<const FaultRules> rules = Compile(any, context);
  if (rules == nullptr) return nullptr;
  StatsStore& stats = StatsStore::Process();
  const std::string prefix = context.stat_prefix + "fault.";
  return std::make_shared<Fault>(context.filter_name, std::move(rules),
                                 FaultCounters{stats.MakeCounter(prefix + "delays_injected"),
                                               stats.MakeCounter(prefix + "aborts_injected"),
                                               stats.MakeCounter(prefix + "faults_overflow"),
                                               stats.MakeGauge(prefix + "active_faults")});
}

std::shared_ptr<const RouteFilterConfig> MakeRoute(const google::protobuf::Any& any, FilterContext& context) {
  return Compile(any, context);
}

}  // namespace

FilterFactory FaultFilter() {
  return {.name = "envoy.filters.http.fault",
          .type = "envoy.extensions.filters.http.fault.v3.HTTPFault",
          .route_type = "envoy.extensions.filters.http.fault.v3.HTTPFault",
          .make = &Make,
          .make_route = &MakeRoute};
}

}  // namespace narthex
