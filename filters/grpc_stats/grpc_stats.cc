#include "filters/grpc_stats/grpc_stats.h"

#include <memory>
#include <utility>

#include "envoy/extensions/filters/http/grpc_stats/v3/grpc_stats.pb.h"
#include "filters/grpc_stats/counted_call.h"
#include "source/config/unpack.h"
#include "source/router/matchers.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_stats::v3;

class GrpcStats : public HttpFilter {
 public:
  explicit GrpcStats(std::shared_ptr<const GrpcStatsRules> rules) : rules_(std::move(rules)) {}

  Task<Response> Handle(Request request, Next next) const override {
    if (!IsGrpc(request.headers())) co_return co_await next(std::move(request));
    auto call = std::make_shared<CountedCall>(request.info(), rules_);
    request.info().Hold(call);
    request.set_body(call->CountRequest(std::move(request.body())));
    Response response = co_await next(std::move(request));
    call->CountResponse(response);
    co_return response;
  }

 private:
  const std::shared_ptr<const GrpcStatsRules> rules_;
};

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::FilterConfig> config = Unpack<v3::FilterConfig>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  auto rules = std::make_shared<GrpcStatsRules>();
  rules->all_methods = config->stats_for_all_methods().value();
  rules->upstream_time = config->enable_upstream_stats();
  rules->replace_dots = config->replace_dots_in_grpc_service_name();
  for (const auto& service : config->individual_method_stats_allowlist().services()) {
    for (const std::string& method : service.method_names()) {
      rules->methods.insert(service.name() + "/" + method);
    }
  }
  return std::make_shared<GrpcStats>(std::move(rules));
}

}  // namespace

FilterFactory GrpcStatsFilter() {
  return {.name = "envoy.filters.http.grpc_stats",
          .type = "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
          .route_type = {},
          .make = &Make,
          .make_route = nullptr};
}

}  // namespace narthex
