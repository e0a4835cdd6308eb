#include "source/upstream/health/health_checks.h"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

// Checks of cluster "products" over fake connections, beside a worker that sends requests there.
class HealthChecksTest : public UpstreamTest {
 protected:
  static std::shared_ptr<ClusterConfig> Checked(size_t hosts, decltype(HealthCheckSettings::check) check) {
    auto config = Config(hosts);
    HealthCheckSettings& settings = config->health_check.emplace();
    settings.check = std::move(check);
    settings.timeout = 100s;  // no machine is as slow as that
    settings.interval = settings.unhealthy_interval = 500s;
    settings.unhealthy_edge_interval = settings.healthy_edge_interval = 500s;
    settings.no_traffic_interval = settings.no_traffic_healthy_interval = 500s;
    settings.unhealthy_threshold = settings.healthy_threshold = 2;
    for (EndpointConfig& endpoint : config->endpoints) endpoint.first_health = HostHealth::kFailedActiveHc;
    return config;
  }
  static HttpCheck Http() {
    HttpCheck check;
    check.path = "/ready";
    return check;
  }
  void Check(std::shared_ptr<const ClusterConfig> config) {
    Start({std::move(config)});
    checks_ = MakeHealthChecks(
        *loop_, {.http = upstream_.MakeConnector(), .stream = upstream_.MakeStreamConnector()});
    checks_->Update(*set_);
    Settle();
  }
  Host& host(size_t at = 0) { return *set_->clusters.at("products")->hosts()->hosts.at(at); }
  bool well(size_t at = 0) { return host(at).available(); }
  std::string Cause(size_t at = 0) { return host(at).health_cause(HostHealth::kFailedActiveHc); }
  uint64_t Count(const std::string& name) {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    return StatsStore::Process().ValueOf("cluster." + test + ".health_check." + name);
  }

  std::unique_ptr<HealthChecks> checks_;
};

TEST_F(HealthChecksTest, AHostTakesLoadOnceItsFirstCheckSucceeds) {
  Check(Checked(1, Http()));
  EXPECT_FALSE(well());
  ASSERT_EQ(upstream_.connections.size(), 1u);
  EXPECT_EQ(connection().last_authority, "products");
  connection().Answer(200);
  EXPECT_TRUE(well());
  EXPECT_EQ(Count("attempt"), 1u);
  EXPECT_EQ(Count("success"), 1u);
}

TEST_F(HealthChecksTest, RequestsWaitForTheFirstChecks) {
  Check(Checked(2, Http()));
  const auto call = Send();
  EXPECT_FALSE(call->done());
  connection(0).Answer(503);
  Settle();
  EXPECT_FALSE(call->done());
  connection(1).Answer(200);
  Settle();
  ASSERT_EQ(upstream_.connections.size(), 3u);
  EXPECT_EQ(connection(2).host, "127.0.0.1:9002");
  connection(2).Answer(201);
  EXPECT_EQ(call->status(), 201);
}

TEST_F(HealthChecksTest, RequestsWaitNoLongerThanFiveSeconds) {
  auto config = Checked(1, Http());
  config->balancer.priorities.panic_threshold = 0;
  Check(config);
  const auto call = Send();
  Pass(4900ms);
  EXPECT_FALSE(call->done());
  Pass(200ms);
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->error().detail, "no_healthy_upstream");
  EXPECT_EQ(call->error().cause,
            "cluster products: none of its 1 hosts takes load; 1 host: 1 not checked yet");
}

TEST_F(HealthChecksTest, AnUnexpectedAnswerDecidesAtOnceAndKeepsTheConnection) {
  Check(Checked(1, Http()));
  connection().Answer(200);
  Pass(500s);
  ASSERT_EQ(upstream_.connections.size(), 1u);
  connection().Answer(503);
  EXPECT_FALSE(well());
  EXPECT_EQ(Cause(), "answered 503");
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(Count("failure"), 1u);
  EXPECT_EQ(Count("network_failure"), 0u);
}

TEST_F(HealthChecksTest, RetriableAnswersAndNoAnswersNeedARow) {
  HttpCheck check = Http();
  check.retriable = {{503, 504}};
  Check(Checked(1, check));
  connection().Answer(200);
  Pass(500s);
  connection().Answer(503);
  EXPECT_TRUE(well());
  Pass(500s);
  Pass(100s);  // no answer in time
  EXPECT_FALSE(well());
  EXPECT_EQ(Cause(), "no answer within 100000 ms");
  EXPECT_EQ(Count("network_failure"), 1u);
}

TEST_F(HealthChecksTest, RefusedConnectionsAreFailuresWithTheirReason) {
  upstream_.dial = FakeUpstream::Dial::kRefuse;
  Check(Checked(1, Http()));
  EXPECT_FALSE(well());
  EXPECT_EQ(Cause(), "Connection refused");
  upstream_.dial = FakeUpstream::Dial::kAccept;
  Pass(500s);
  connection().Answer(200);
  EXPECT_FALSE(well());
  Pass(500s);
  connection().Answer(200);
  EXPECT_TRUE(well());
  EXPECT_EQ(Cause(), "");
}

TEST_F(HealthChecksTest, AConnectionThatWasClosedWhileIdleIsNoFailure) {
  auto config = Checked(1, Http());
  config->health_check->unhealthy_threshold = 1;
  Check(config);
  connection().Answer(200);
  Pass(500s);
  connection().Die(/*written=*/true);
  Settle();
  ASSERT_EQ(upstream_.connections.size(), 1u);
  connection().Answer(200);
  EXPECT_TRUE(well());
  EXPECT_EQ(upstream_.dialled, 2u);
  EXPECT_EQ(Count("failure"), 0u);
}

TEST_F(HealthChecksTest, ConnectionsAreNotReusedWhenAskedNotTo) {
  auto config = Checked(1, Http());
  config->health_check->reuse_connection = false;
  Check(config);
  connection().Answer(200);
  Settle();
  EXPECT_TRUE(upstream_.connections.empty());
  Pass(500s);
  EXPECT_EQ(upstream_.dialled, 2u);
}

TEST_F(HealthChecksTest, AHostMayBeCheckedElsewhereOrNotAtAll) {
  auto config = Checked(3, Http());
  config->health_check->alt_port = 7000;
  config->endpoints[1].check.port = 7001;
  config->endpoints[1].check.hostname = "own.example";
  config->endpoints[2].check.disabled = true;
  config->endpoints[2].first_health = 0;
  Check(config);
  EXPECT_TRUE(well(2));
  ASSERT_EQ(upstream_.connections.size(), 2u);
  EXPECT_EQ(connection(0).host, "127.0.0.1:7000");
  EXPECT_EQ(connection(1).host, "127.0.0.1:7001");
  EXPECT_EQ(connection(1).last_authority, "own.example");
}

TEST_F(HealthChecksTest, ChangesReachTheBalancer) {
  auto config = Checked(2, Http());
  config->balancer.priorities.panic_threshold = 0;
  Check(config);
  connection(0).Answer(200);
  connection(1).Answer(200);
  Pass(500s);
  connection(0).Answer(500);
  for (int i = 0; i < 6; ++i) Send();
  EXPECT_EQ(TotalsOf(0).rq_total, 0u);
  EXPECT_EQ(TotalsOf(1).rq_total, 6u);
}

TEST_F(HealthChecksTest, TcpIsContentWithAConnection) {
  Check(Checked(1, TcpCheck{}));
  EXPECT_TRUE(well());
  EXPECT_TRUE(upstream_.peers.back().destroyed);
}

TEST_F(HealthChecksTest, WritesEventsAsEnvoyDoes) {
  const std::string path = testing::TempDir() + "/health_events";
  std::remove(path.c_str());
  auto config = Checked(1, Http());
  config->health_check->event_log_path = path;
  Check(config);
  connection().Answer(200);
  Pass(500s);
  connection().Answer(503);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string common =
      "{\"health_checker_type\":\"HTTP\",\"host\":{\"socket_address\":{\"protocol\":\"TCP\","
      "\"address\":\"127.0.0.1\",\"port_value\":9001}},\"cluster_name\":\"products\",";
  EXPECT_EQ(text.str().find(common + "\"add_healthy_event\":{\"first_check\":true},\"timestamp\":\"20"), 0u)
      << text.str();
  EXPECT_NE(text.str().find("\n" + common +
                            "\"eject_unhealthy_event\":{\"failure_type\":\"ACTIVE\"},\"timestamp\""),
            std::string::npos)
      << text.str();
}

TEST_F(HealthChecksTest, AClusterThatGoesIsCheckedNoMore) {
  Check(Checked(1, Http()));
  connection().Answer(200);
  set_ = MakeClusterSet({Config(1)}, nullptr);
  manager_->Update(set_);
  checks_->Update(*set_);
  Settle();
  Pass(2000s);
  EXPECT_EQ(Count("attempt"), 1u);
  EXPECT_TRUE(upstream_.connections.empty());
}

}  // namespace
}  // namespace narthex
