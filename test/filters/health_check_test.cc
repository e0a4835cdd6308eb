#include "filters/health_check/health_check.h"

#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "gtest/gtest.h"
#include "source/filter/health_flag.h"
#include "source/upstream/cluster.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::health_check::v3;

constexpr char kHeaders[] = "headers { name: ':path' string_match { exact: '/healthz' } }";
constexpr char kCluster[] = "x-envoy-upstream-healthchecked-cluster";
constexpr char kFail[] = "x-envoy-immediate-health-check-fail";

std::shared_ptr<const HttpFilter> HealthCheckOf(const std::string& text) {
  return Make(HealthCheckFilter(), Parse<v3::HealthCheck>(text + kHeaders));
}

Scenario Check() {
  Scenario scenario;
  scenario.request.headers[1].second = "/healthz";
  return scenario;
}

// One cluster, whose hosts the test counts itself.
class OneCluster : public ClusterManager {
 public:
  Cluster* Find(std::string_view name) override { return name == "products" ? &cluster_ : nullptr; }
  Errands& errands() override { return errands_; }
  HostCounts hosts;

 private:
  class Products : public Cluster {
   public:
    explicit Products(const HostCounts& hosts) : hosts_(hosts) {}
    const std::string& name() const override { return name_; }
    HostCounts host_counts() const override { return hosts_; }
    Task<ClientConnection::Result> Send(Request, AttemptOptions) override { co_return ExchangeError(); }
    Task<RawResult> Connect(RawOptions, UpstreamFacts&) override { co_return ExchangeError(); }
    std::unique_ptr<RetryToken> TakeRetry(Priority) override { return nullptr; }

   private:
    std::string name_ = "products";
    const HostCounts& hosts_;
  };
  Products cluster_{hosts};
  Errands errands_;
};

// Switches the process's flag on for the length of a test.
struct Failing {
  Failing() { HealthFlag::SetFailing(true); }
  ~Failing() { HealthFlag::SetFailing(false); }
};

TEST(HealthCheck, AnswersByItself) {
  const Outcome outcome = RunFilter(*HealthCheckOf("pass_through_mode {}"), Check());
  EXPECT_FALSE(outcome.forwarded);
  EXPECT_EQ(outcome.status(), 200);
  EXPECT_EQ(outcome.detail, "health_check_ok");
  EXPECT_EQ(outcome.response.Get(kCluster), "edge");
  EXPECT_TRUE(outcome.is_health_check);
}

TEST(HealthCheck, LeavesOtherRequestsAlone) {
  const Outcome outcome = RunFilter(*HealthCheckOf("pass_through_mode {}"), Scenario());
  EXPECT_TRUE(outcome.forwarded);
  EXPECT_FALSE(outcome.is_health_check);
  EXPECT_EQ(outcome.response.Get(kFail), "(none)");
}

TEST(HealthCheck, FailsWhileTheProcessIsToldTo) {
  const Failing failing;
  const Outcome outcome = RunFilter(*HealthCheckOf("pass_through_mode {}"), Check());
  EXPECT_EQ(outcome.status(), 503);
  EXPECT_EQ(outcome.detail, "health_check_failed");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kFailedLocalHealthCheck));
  EXPECT_EQ(RunFilter(*HealthCheckOf("pass_through_mode { value: true }"), Check()).status(), 503);
  EXPECT_EQ(RunFilter(*HealthCheckOf("pass_through_mode {}"), Scenario()).response.Get(kFail), "true");
}

TEST(HealthCheck, PassesChecksThroughAndNamesTheCluster) {
  const Outcome outcome = RunFilter(*HealthCheckOf("pass_through_mode { value: true }"), Check());
  EXPECT_TRUE(outcome.forwarded);
  EXPECT_EQ(outcome.response.Get(kCluster), "edge");
  EXPECT_TRUE(outcome.is_health_check);
}

TEST(HealthCheck, ReusesTheUpstreamsAnswerWithinCacheTime) {
  const auto filter = HealthCheckOf("pass_through_mode { value: true } cache_time { seconds: 5 }");
  Scenario scenario = Check();
  scenario.response.headers[0].second = "500";
  EXPECT_TRUE(RunFilter(*filter, scenario).forwarded);
  const Outcome cached = RunFilter(*filter, Check());
  EXPECT_FALSE(cached.forwarded);
  EXPECT_EQ(cached.status(), 500);
  EXPECT_EQ(cached.detail, "health_check_cached");
}

TEST(HealthCheck, JudgesByTheShareOfHealthyHosts) {
  const auto filter = HealthCheckOf(
      "pass_through_mode {} cluster_min_healthy_percentages { key: 'products' value { value: 50 } }");
  OneCluster clusters;
  Scenario scenario = Check();
  scenario.clusters = &clusters;

  EXPECT_EQ(RunFilter(*filter, scenario).detail, "health_check_failed_cluster_empty");
  clusters.hosts = {.total = 4, .healthy = 1, .degraded = 0};
  const Outcome sick = RunFilter(*filter, scenario);
  EXPECT_EQ(sick.status(), 503);
  EXPECT_EQ(sick.detail, "health_check_failed_cluster_unhealthy");
  EXPECT_TRUE(sick.HasFlag(ResponseFlag::kFailedLocalHealthCheck));
  clusters.hosts.degraded = 1;
  const Outcome well = RunFilter(*filter, scenario);
  EXPECT_EQ(well.status(), 200);
  EXPECT_EQ(well.detail, "health_check_ok_cluster_healthy");
}

TEST(HealthCheck, FailsForAClusterThatDoesNotExist) {
  const auto filter = HealthCheckOf(
      "pass_through_mode {} cluster_min_healthy_percentages { key: 'gone' value { value: 0 } }");
  OneCluster clusters;
  Scenario scenario = Check();
  scenario.clusters = &clusters;
  const Outcome outcome = RunFilter(*filter, scenario);
  EXPECT_EQ(outcome.status(), 503);
  EXPECT_EQ(outcome.detail, "health_check_failed_no_cluster_found");
}

TEST(HealthCheck, RefusesACacheWithoutPassThrough) {
  std::string errors;
  EXPECT_EQ(Make(HealthCheckFilter(),
                 Parse<v3::HealthCheck>("pass_through_mode {} cache_time { seconds: 1 }"), &errors),
            nullptr);
  EXPECT_NE(errors.find("cache_time"), std::string::npos) << errors;
}

TEST(HealthCheck, LeavesNothingBehindWhenTheClientGoesAway) {
  Scenario scenario = Check();
  scenario.response.body = "fine";
  CancelAtEverySuspension(*HealthCheckOf("pass_through_mode { value: true }"), scenario);
}

}  // namespace
}  // namespace narthex::testing
