#include "filters/fault/fault.h"

#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "filters/fault/fault_rules.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::fault::v3;

std::shared_ptr<const HttpFilter> FaultOf(const std::string& text) {
  return Make(FaultFilter(), Parse<v3::HTTPFault>(text));
}

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf("http.test.fault." + name);
}

Scenario With(Fields headers) {
  Scenario scenario;
  for (auto& header : headers) scenario.request.headers.push_back(std::move(header));
  return scenario;
}

constexpr char kDelay[] = "delay { fixed_delay { nanos: 250000000 } percentage { numerator: 100 } }";
constexpr char kAbort[] = "abort { http_status: 503 percentage { numerator: 100 } }";
constexpr char kByHeader[] =
    "delay { header_delay {} percentage { numerator: 100 } }"
    "abort { header_abort {} percentage { numerator: 100 } }";

TEST(Fault, DelaysARequestAndPassesItOn) {
  const uint64_t before = Stat("delays_injected");
  const Outcome outcome = RunFilter(*FaultOf(kDelay), Scenario());
  EXPECT_TRUE(outcome.forwarded);
  EXPECT_EQ(outcome.status(), 200);
  EXPECT_GE(outcome.milliseconds, 250u);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kDelayInjected));
  EXPECT_FALSE(outcome.HasFlag(ResponseFlag::kFaultInjected));
  EXPECT_EQ(Stat("delays_injected"), before + 1);
}

TEST(Fault, AbortsInPlaceOfTheUpstream) {
  const uint64_t before = Stat("aborts_injected");
  const Outcome outcome = RunFilter(*FaultOf(kAbort), Scenario());
  EXPECT_FALSE(outcome.forwarded);
  EXPECT_EQ(outcome.status(), 503);
  EXPECT_EQ(outcome.response.body, "fault filter abort");
  EXPECT_EQ(outcome.detail, "fault_filter_abort");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kFaultInjected));
  EXPECT_EQ(Stat("aborts_injected"), before + 1);
}

TEST(Fault, AbortsAfterTheDelayWhenBothAreDrawn) {
  const Outcome outcome = RunFilter(*FaultOf(std::string(kDelay) + kAbort), Scenario());
  EXPECT_EQ(outcome.status(), 503);
  EXPECT_GE(outcome.milliseconds, 250u);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kDelayInjected));
}

TEST(Fault, GivesTheReplyToAGrpcRequestItsStatus) {
  const auto filter = FaultOf("abort { grpc_status: 14 percentage { numerator: 100 } }");
  const Outcome outcome = RunFilter(*filter, With({{"content-type", "application/grpc"}}));
  EXPECT_EQ(outcome.status(), 200);
  EXPECT_EQ(outcome.response.Get("grpc-status"), "14");
  EXPECT_EQ(outcome.response.body, "fault filter abort");
}

TEST(Fault, LetsTheRequestsHeadersDecideWhereConfigured) {
  const auto filter = FaultOf(kByHeader);
  EXPECT_EQ(RunFilter(*filter, Scenario()).flags, 0u);
  EXPECT_EQ(RunFilter(*filter, With({{"x-envoy-fault-abort-request", "418"}})).status(), 418);
  EXPECT_GE(RunFilter(*filter, With({{"x-envoy-fault-delay-request", "40"}})).milliseconds, 40u);
  const Outcome none = RunFilter(*filter, With({{"x-envoy-fault-abort-request", "418"},
                                                {"x-envoy-fault-abort-request-percentage", "0"}}));
  EXPECT_EQ(none.status(), 200);
}

TEST(Fault, IgnoresHeadersThatAreNoStatusAndNoDelay) {
  const auto filter = FaultOf(kByHeader);
  for (const char* value : {"", "abc", "199", "600", "-1", "503 ", "99999999999999999999"}) {
    const Outcome outcome = RunFilter(
        *filter, With({{"x-envoy-fault-abort-request", value}, {"x-envoy-fault-delay-request", "soon"}}));
    EXPECT_EQ(outcome.status(), 200) << value;
    EXPECT_EQ(outcome.flags, 0u) << value;
  }
}

TEST(Fault, AppliesOnlyWhereClusterNodeAndHeadersMatch) {
  const auto filter = FaultOf(std::string(kAbort) +
                              "upstream_cluster: 'upstream' downstream_nodes: 'n1'"
                              "headers { name: 'x-test' string_match { exact: 'yes' } }");
  const Fields all = {{"x-envoy-downstream-service-node", "n1"}, {"x-test", "yes"}};
  EXPECT_EQ(RunFilter(*filter, With(all)).status(), 503);
  EXPECT_EQ(RunFilter(*filter, With({all[0]})).status(), 200);
  EXPECT_EQ(RunFilter(*filter, With({all[1]})).status(), 200);
  Scenario elsewhere = With(all);
  elsewhere.route_cluster = "other";
  EXPECT_EQ(RunFilter(*filter, elsewhere).status(), 200);
}

TEST(Fault, LeavesRequestsAloneAboveTheLimitOfActiveFaults) {
  const uint64_t before = Stat("faults_overflow");
  const Outcome outcome =
      RunFilter(*FaultOf(std::string(kAbort) + "max_active_faults { value: 0 }"), Scenario());
  EXPECT_EQ(outcome.status(), 200);
  EXPECT_EQ(Stat("faults_overflow"), before + 1);
}

TEST(Fault, TheRuntimeGoesBeforeTheConfiguration) {
  auto fault = [](const std::string& text, const std::string& key, double value) {
    return Make(FaultFilter(), Parse<v3::HTTPFault>(text), nullptr,
                [=](std::string_view asked) { return asked == key ? std::optional(value) : std::nullopt; });
  };
  const std::string abort(kAbort);
  EXPECT_EQ(RunFilter(*fault(abort, "fault.http.abort.abort_percent", 0), Scenario()).status(), 200);
  EXPECT_EQ(RunFilter(*fault(abort, "fault.http.abort.http_status", 429), Scenario()).status(), 429);
  EXPECT_EQ(RunFilter(*fault(abort, "fault.http.abort.http_status", 7), Scenario()).status(), 503);
  EXPECT_EQ(RunFilter(*fault(abort, "fault.http.max_active_faults", 0), Scenario()).status(), 200);
  EXPECT_EQ(RunFilter(*fault(abort + " abort_percent_runtime: 'mine'", "mine", 0), Scenario()).status(), 200);
  EXPECT_EQ(RunFilter(*fault(abort + " abort_percent_runtime: 'mine'", "fault.http.abort.abort_percent", 0),
                      Scenario())
                .status(),
            503);
  const Outcome delayed = RunFilter(*fault(kDelay, "fault.http.delay.fixed_duration_ms", 40), Scenario());
  EXPECT_GE(delayed.milliseconds, 40u);
  EXPECT_LT(delayed.milliseconds, 100u);
  const Outcome none = RunFilter(*fault(kDelay, "fault.http.delay.fixed_delay_percent", 0), Scenario());
  EXPECT_FALSE(none.HasFlag(ResponseFlag::kDelayInjected));
}

TEST(Fault, CountsAFaultAsActiveNoLongerThanItsExchange) {
  const auto filter = FaultOf(std::string(kAbort) + "max_active_faults { value: 1 }");
  EXPECT_EQ(RunFilter(*filter, Scenario()).status(), 503);
  EXPECT_EQ(RunFilter(*filter, Scenario()).status(), 503);
  EXPECT_EQ(Stat("active_faults"), 0u);
}

TEST(Fault, TakesTheRoutesRulesInPlaceOfItsOwn) {
  const FilterFactory factory = FaultFilter();
  Scenario scenario;
  scenario.route_configs = {
      {std::string(factory.name),
       MakeRoute(factory, Parse<v3::HTTPFault>("abort { http_status: 429 percentage { numerator: 100 } }"))}};
  EXPECT_EQ(RunFilter(*FaultOf(kAbort), scenario).status(), 429);
  scenario.route_configs[0].second = MakeRoute(factory, v3::HTTPFault());
  EXPECT_EQ(RunFilter(*FaultOf(kAbort), scenario).status(), 200);
}

TEST(Fault, DrawsAboutTheConfiguredShare) {
  const auto filter =
      FaultOf("abort { http_status: 503 percentage { numerator: 2500 denominator: TEN_THOUSAND } }");
  int aborted = 0;
  for (uint64_t random = 0; random < 4000; ++random) {
    Scenario scenario;
    scenario.random = BitsFor(random, 7);
    if (RunFilter(*filter, scenario).status() == 503) ++aborted;
  }
  EXPECT_NEAR(aborted, 1000, 120);
}

TEST(Fault, DrawsDelayAndAbortIndependently) {
  int both = 0;
  const Share half{50, 100};
  for (uint64_t random = 0; random < 4000; ++random) {
    if (half.Draws(BitsFor(random, 1)) && half.Draws(BitsFor(random, 2))) ++both;
  }
  EXPECT_NEAR(both, 1000, 120);
}

TEST(Fault, LeavesNothingBehindWhenTheClientGoesAway) {
  Scenario scenario;
  scenario.request.body = "hello";
  scenario.cuts = {2};
  CancelAtEverySuspension(*FaultOf(kDelay), scenario);
}

}  // namespace
}  // namespace narthex::testing
