#include "test/router/text_table.h"

#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"

namespace narthex {

HeaderMap RequestHeaders(const std::vector<std::pair<std::string, std::string>>& fields) {
  HeaderMap headers;
  headers.Add(":method", "GET");
  headers.Add(":scheme", "http");
  headers.Add(":authority", "a.test");
  headers.Add(":path", "/");
  for (const auto& [name, value] : fields) {
    if (name.starts_with(':')) {
      headers.Set(name, value);
    } else {
      headers.Add(name, value);
    }
  }
  return headers;
}

std::optional<double> TestRuntime(std::string_view key) {
  if (key == "route.half") return 50;
  if (key == "weights.b") return 3;
  return std::nullopt;
}

TextTable::TextTable(const std::string& yaml) {
  envoy::config::route::v3::RouteConfiguration config;
  ConfigDocument document;
  Diagnostics diagnostics;
  if (LoadString("routes.yaml", yaml, config, document, diagnostics, {.format = Format::kYaml})) {
    FilterRegistry registry({});
    ChainBuilder chains({}, registry, diagnostics, "http.test.");
    RouteCompileContext context{diagnostics, chains,
                                [](std::string_view name) { return !name.starts_with("missing"); }};
    context.runtime = &TestRuntime;
    table_ = RouteTable::Compile(config, document.Root(), context);
  }
  origins_ = document.origins();
  findings_ = diagnostics.ToText();
}

TextTable TextTable::WithRoutes(const std::string& routes) {
  return TextTable("virtual_hosts: [{name: all, domains: ['*'], routes: [" + routes + "]}]");
}

std::string TextTable::Target(const std::vector<std::pair<std::string, std::string>>& fields, uint64_t random,
                              const Exchange* exchange) const {
  if (table_ == nullptr) {
    ADD_FAILURE() << findings_;
    return "refused";
  }
  HeaderMap headers = RequestHeaders(fields);
  RouteInput input{headers, exchange, random};
  const CompiledRoute* route = table_->Match(input);
  EXPECT_EQ(route, table_->MatchLinear(input));
  if (route == nullptr) return "none";
  if (route->direct_response != nullptr) return "direct " + std::to_string(route->direct_response->status);
  if (route->redirect != nullptr) return "redirect " + std::to_string(route->redirect->status);
  return route->cluster.empty() ? "header " + route->forward->cluster_header : route->cluster;
}

}  // namespace narthex
