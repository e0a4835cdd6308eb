#include "test/manager/hcm_fixture.h"

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/event/timeout.h"
#include "source/router/compiled_route.h"

namespace narthex {
namespace {

using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

class Echo : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next) const override {
    const CompiledRoute& route = CompiledRouteOf(request);
    if (route.forward == nullptr && route.direct_response == nullptr) {
      co_return LocalReply(404, "route_not_found", "", ResponseFlag::kNoRouteFound);
    }
    if (request.path() == "/slow") co_await Sleep(request.info().loop(), std::chrono::hours(1));
    Response response(200);
    response.headers().Add("x-path", request.path());
    response.headers().Add("x-host", request.headers().Get(Header::kAuthority));
    co_return response;
  }
};

class PassOn : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next next) const override { return next(std::move(request)); }
};

template <class Filter>
std::shared_ptr<const HttpFilter> MakeFilter(const google::protobuf::Any&, FilterContext&) {
  return std::make_shared<Filter>();
}

constexpr FilterFactory kFilters[] = {
    {"envoy.filters.http.buffer", "envoy.extensions.filters.http.buffer.v3.Buffer",
     "envoy.extensions.filters.http.buffer.v3.BufferPerRoute", false, &MakeFilter<PassOn>, nullptr},
    {"envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", "", true,
     &MakeFilter<Echo>, nullptr},
};

constexpr std::string_view kRoutes = R"(
route_config:
  virtual_hosts:
  - name: main
    domains: ["a.test"]
    routes:
    - match: {prefix: "/missing/"}
      direct_response: {status: 410}
    - match: {prefix: "/"}
      route: {cluster: products}
)";

constexpr std::string_view kRouter = R"(
http_filters:
- name: router
  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
)";

}  // namespace

CompiledHcm::CompiledHcm(std::string_view fields, Profile profile) {
  std::string yaml = "stat_prefix: test\n";
  yaml.append(fields);
  if (fields.find("route_config:") == std::string_view::npos &&
      fields.find("rds:") == std::string_view::npos) {
    yaml.append(kRoutes);
  }
  if (fields.find("http_filters:") == std::string_view::npos) yaml.append(kRouter);
  HttpConnectionManager message;
  if (!LoadString("hcm.yaml", yaml, message, document_, diagnostics_)) return;
  FilterRegistry registry(kFilters);
  HcmCompileContext context{diagnostics_, registry, [](std::string_view name) { return name == "products"; },
                            profile,      32768,    "edge-fleet"};
  config_ = CompileHcm(message, document_.Root(), context);
}

}  // namespace narthex
