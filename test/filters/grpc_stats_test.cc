#include "filters/grpc_stats/grpc_stats.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "envoy/extensions/filters/http/grpc_stats/v3/grpc_stats.pb.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_stats::v3;

using namespace std::string_literals;

// The filter as the manager would call it for a route to `cluster`.
class AtCluster : public HttpFilter {
 public:
  AtCluster(std::string cluster, const std::string& config)
      : cluster_(std::move(cluster)), filter_(Make(GrpcStatsFilter(), Parse<v3::FilterConfig>(config))) {}
  Task<Response> Handle(Request request, Next next) const override {
    request.info().upstream.cluster = cluster_;
    return filter_->Handle(std::move(request), next);
  }
  uint64_t Value(const std::string& name) const {
    return StatsStore::Process().ValueOf("cluster." + cluster_ + ".grpc." + name);
  }

 private:
  const std::string cluster_;
  const std::shared_ptr<const HttpFilter> filter_;
};

// A call with two messages there and one back.
Scenario Call(std::string_view path, std::string_view status, std::string_view type = "application/grpc") {
  Scenario scenario;
  scenario.request.headers[1].second = path;
  scenario.request.headers.emplace_back("content-type", type);
  scenario.request.body = "\0\0\0\0\1a\0\0\0\0\2bc"s;
  scenario.response.body = "\0\0\0\0\0"s;
  scenario.response.trailers = Fields{{"grpc-status", std::string(status)}};
  return scenario;
}

TEST(GrpcStats, CountsCallsAndMessagesOfEachMethod) {
  const AtCluster filter("all", "stats_for_all_methods { value: true }");
  for (const std::string_view status : {"0", "0", "14", "77", "nonsense"}) {
    RunFilter(filter, Call("/pkg.Cart/Add?x", status));
  }
  EXPECT_EQ(filter.Value("pkg.Cart.Add.total"), 5u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.success"), 2u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.failure"), 3u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.14"), 1u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.2"), 1u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.request_message_count"), 10u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.response_message_count"), 5u);
  EXPECT_EQ(filter.Value("pkg.Cart.Add.upstream_rq_time"), 0u);
  EXPECT_EQ(filter.Value("total"), 0u);
}

TEST(GrpcStats, CountsMessagesHoweverTheyAreCut) {
  const AtCluster filter("cuts", "");
  uint64_t runs = 0;
  ForEveryCut(filter, Call("/Cart/Add", "0"), [&](const Outcome& outcome) {
    ++runs;
    EXPECT_EQ(outcome.response, Call("/Cart/Add", "0").response);
    EXPECT_EQ(outcome.forwarded->body, Call("/Cart/Add", "0").request.body);
  });
  EXPECT_EQ(filter.Value("total"), runs);
  EXPECT_EQ(filter.Value("request_message_count"), 2 * runs);
  EXPECT_EQ(filter.Value("response_message_count"), runs);
}

TEST(GrpcStats, CountsNamedMethodsOnTheirOwn) {
  const AtCluster filter(
      "named",
      "individual_method_stats_allowlist { services { name: 'pkg.Cart' method_names: 'Add' } "
      "services { name: 'Other' method_names: 'Get' } } replace_dots_in_grpc_service_name: true");
  for (const std::string_view path : {"/pkg.Cart/Add", "/pkg.Cart/Get", "/Other/Add"}) {
    RunFilter(filter, Call(path, "12"));
  }
  EXPECT_EQ(filter.Value("pkg_Cart.Add.12"), 1u);
  EXPECT_EQ(filter.Value("pkg_Cart.Get.total"), 0u);
  EXPECT_EQ(filter.Value("total"), 2u);
}

TEST(GrpcStats, LetsNoCallerMakeNames) {
  const AtCluster filter("names", "stats_for_all_methods { value: true }");
  RunFilter(filter, Call("/Cart/Nothing", "12"));
  EXPECT_EQ(filter.Value("Cart.Nothing.total"), 0u);
}

TEST(GrpcStats, ReadsTheStatusOfHeadersAlone) {
  const AtCluster filter("headers", "");
  Scenario scenario = Call("/Cart/Add", "0");
  scenario.response = WithHeaders({{":status", "200"}, {"grpc-status", "5"}});
  RunFilter(filter, scenario);
  EXPECT_EQ(filter.Value("5"), 1u);
  scenario.response.headers.pop_back();
  RunFilter(filter, scenario);
  EXPECT_EQ(filter.Value("total"), 1u) << "who says nothing has no status";
}

// In the place of a router whose cluster has no host.
class Unavailable : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next) const override {
    return filter_.Handle(std::move(request), Next(chain_.data()));
  }
  uint64_t Value(const std::string& name) const { return filter_.Value(name); }

 private:
  class Answer : public HttpFilter {
    Task<Response> Handle(Request, Next) const override { co_return LocalReply(503, "no_healthy_upstream"); }
  };
  const FilterChain chain_ = {{"answer", std::make_shared<Answer>()}};
  const AtCluster filter_{"down", "enable_upstream_stats: true"};
};

TEST(GrpcStats, CountsRepliesOfTheGatewayItself) {
  const Unavailable filter;
  RunFilter(filter, Call("/Cart/Add", "0"));
  EXPECT_EQ(filter.Value("14"), 1u);
  EXPECT_EQ(filter.Value("failure"), 1u);
  EXPECT_EQ(filter.Value("upstream_rq_time"), 0u);
}

TEST(GrpcStats, LeavesOtherRequestsAlone) {
  const AtCluster filter("others", "");
  RunFilter(filter, Call("/Cart/Add", "0", "application/grpc-web"));
  RunFilter(filter, Call("/Cart/Add", "0", "application/json"));
  RunFilter(filter, Call("/a/b/c", "0"));
  EXPECT_EQ(filter.Value("total"), 0u);
}

TEST(GrpcStats, CountsOnlyMessagesWhenTheClientGoesAway) {
  const AtCluster filter("gone", "");
  Scenario scenario = Call("/Cart/Add", "0");
  scenario.cuts = {6};
  CancelAtEverySuspension(filter, scenario);
  EXPECT_EQ(filter.Value("total"), 1u) << "the run that was not cancelled";
  EXPECT_GT(filter.Value("request_message_count"), 2u);
}

}  // namespace
}  // namespace narthex::testing
