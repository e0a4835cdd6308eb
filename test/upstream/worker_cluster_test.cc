#include "source/upstream/worker_cluster.h"

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using Dial = FakeUpstream::Dial;

class WorkerClusterTest : public UpstreamTest {
 protected:
  // Leaves one idle connection that has served a request.
  void UseAConnection() {
    const auto call = Send();
    connection().Answer(200);
    ASSERT_EQ(call->status(), 200);
  }
  void Publish(HostSet hosts) {
    set_->clusters.at("products")->Publish(std::make_shared<HostSet>(std::move(hosts)));
    Settle();
  }
};

TEST_F(WorkerClusterTest, AReusedConnectionThatDiesIsReplayedOnAFreshOne) {
  Start({Config()});
  UseAConnection();
  const auto call = Send();
  connection().Die(/*written=*/true);
  Settle();
  ASSERT_FALSE(call->done());
  ASSERT_EQ(upstream_.connections.size(), 1u);
  EXPECT_EQ(connection().last_authority, "shop.example");
  connection().Answer(200);
  EXPECT_EQ(call->status(), 200);
}

TEST_F(WorkerClusterTest, AReplayPassesOverOtherIdleConnections) {
  Start({Config()});
  const auto one = Send(), two = Send();
  connection(0).Answer(200);
  connection(1).Answer(200);
  const auto call = Send();
  connection(1).Die(/*written=*/true);
  Settle();
  EXPECT_EQ(upstream_.dialled, 3u);
}

TEST_F(WorkerClusterTest, OneReplayIsAllThereIs) {
  Start({Config()});
  UseAConnection();
  const auto call = Send();
  connection().Die(/*written=*/true);
  Settle();
  connection().Die(/*written=*/true);
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kUpstreamConnectionTermination);
}

TEST_F(WorkerClusterTest, AFreshConnectionThatDiesIsNotReplayed) {
  Start({Config()});
  const auto call = Send();
  connection().Die(/*written=*/true);
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(TotalsOf(0).rq_error, 1u);
}

TEST_F(WorkerClusterTest, AClientThatLeavesIsNoFailureOfTheHost) {
  Start({Config()});
  const auto call = Send({}, "POST");
  connection().LoseClient();
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kDownstreamConnectionTermination);
  EXPECT_EQ(TotalsOf(0).rq_error, 0u);
  EXPECT_EQ(TotalsOf(0).rq_success, 0u);
}

TEST_F(WorkerClusterTest, APostIsReplayedOnlyWhenNothingOfItWasWritten) {
  Start({Config()});
  UseAConnection();
  const auto written = Send({}, "POST");
  connection().Die(/*written=*/true);
  EXPECT_EQ(written->status(), -1);
  Settle();
  UseAConnection();
  const auto unwritten = Send({}, "POST");
  connection().Die(/*written=*/false);
  Settle();
  ASSERT_FALSE(unwritten->done());
  connection().Answer(201);
  EXPECT_EQ(unwritten->status(), 201);
}

TEST_F(WorkerClusterTest, TellsTheExchangeWhereItWent) {
  Start({Config()});
  const auto call = Send();
  EXPECT_EQ(call->exchange().upstream.cluster, "products");
  EXPECT_EQ(call->exchange().upstream.host.ToString(), "127.0.0.1:9001");
}

TEST_F(WorkerClusterTest, WritesTheHostsNameWhenAsked) {
  Start({Config()});
  const auto plain = Send();
  EXPECT_EQ(connection(0).last_authority, "shop.example");
  const auto rewritten = Send({.auto_host_rewrite = true});
  EXPECT_EQ(connection(1).last_authority, "host1.example");
  EXPECT_EQ(connection(1).last_forwarded_host, "");
  const auto forwarded = Send({.auto_host_rewrite = true, .append_x_forwarded_host = true});
  EXPECT_EQ(connection(2).last_authority, "host1.example");
  EXPECT_EQ(connection(2).last_forwarded_host, "shop.example");
}

TEST_F(WorkerClusterTest, SpreadsRequestsOverItsHosts) {
  Start({Config(3)});
  const auto one = Send(), two = Send(), three = Send();
  for (size_t host = 0; host < 3; ++host) EXPECT_EQ(TotalsOf(host).rq_total, 1u);
}

TEST_F(WorkerClusterTest, AClusterWithoutHostsSaysSoWithItsOrigin) {
  auto config = Config(0);
  config->origin = {"gateway.yaml", 4, 5, "static_resources.clusters[0]"};
  Start({config});
  const auto call = Send();
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kNoHealthyUpstream);
  EXPECT_EQ(call->error().detail, "no_healthy_upstream");
  EXPECT_EQ(call->error().cause,
            "cluster products has no endpoints (gateway.yaml:4:5: static_resources.clusters[0])");
}

TEST_F(WorkerClusterTest, RequestsWaitForTheFirstResolutionOfItsNames) {
  auto config = Config(1);
  config->type = DiscoveryType::kStrictDns;
  config->endpoints[0].address = Address();
  config->endpoints[0].dns_name = "products.example";
  Start({config});
  const auto one = Send();
  auto gone = Send();
  EXPECT_FALSE(one->done());
  gone.reset();
  Publish({{std::make_shared<Host>(config->endpoints[0], *Address::Ip("10.0.0.7", 80))}});
  ASSERT_EQ(upstream_.connections.size(), 1u);
  EXPECT_EQ(connection().host, "10.0.0.7:80");
  connection().Answer(200);
  EXPECT_EQ(one->status(), 200);
}

TEST_F(WorkerClusterTest, GivesTheReasonWhenItsNamesCannotBeResolved) {
  auto config = Config(1);
  config->endpoints[0].address = Address();
  config->endpoints[0].dns_name = "products.example";
  Start({config});
  const auto call = Send();
  set_->clusters.at("products")->set_discovery_error("products.example: domain name not found");
  Publish({});
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().cause, "cluster products has no hosts: products.example: domain name not found");
}

TEST_F(WorkerClusterTest, ConnectionsToAHostThatIsGoneEndWithTheirExchanges) {
  Start({Config(2)});
  const auto one = Send(), two = Send();
  const size_t leaving = connection(0).host == "127.0.0.1:9001" ? 0 : 1;
  const auto hosts = set_->clusters.at("products")->hosts()->hosts;
  Publish({{hosts[1]}});
  EXPECT_EQ(upstream_.connections.size(), 2u);
  connection(leaving).Answer(200);
  Settle();
  ASSERT_EQ(upstream_.connections.size(), 1u);
  EXPECT_EQ(connection().host, "127.0.0.1:9002");
  const auto three = Send(), four = Send();
  for (const FakeConnection* open : upstream_.connections) EXPECT_EQ(open->host, "127.0.0.1:9002");
}

TEST_F(WorkerClusterTest, AnUnchangedClusterKeepsItsConnectionsOverAReload) {
  Start({Config()});
  UseAConnection();
  manager_->Update(MakeClusterSet({Config()}, set_.get()));
  const auto call = Send();
  EXPECT_EQ(upstream_.dialled, 1u);
}

TEST_F(WorkerClusterTest, AChangedClusterEndsWhatItBeganAndNoMore) {
  Start({Config()});
  const auto old = Send();
  auto changed = Config();
  changed->content_hash = 2;
  set_ = MakeClusterSet({changed}, set_.get());
  manager_->Update(set_);
  const auto fresh = Send();
  ASSERT_EQ(upstream_.connections.size(), 2u);
  connection(0).Answer(200);
  Settle();
  EXPECT_EQ(old->status(), 200);
  EXPECT_EQ(upstream_.connections.size(), 1u);
  connection(0).Answer(201);
  EXPECT_EQ(fresh->status(), 201);
}

TEST_F(WorkerClusterTest, ARemovedClusterIsNotFoundAndItsIdleConnectionsClose) {
  Start({Config()});
  UseAConnection();
  manager_->Update(MakeClusterSet({}, set_.get()));
  Settle();
  EXPECT_EQ(manager_->Find("products"), nullptr);
  EXPECT_TRUE(upstream_.connections.empty());
}

TEST_F(WorkerClusterTest, ARequestThatWaitsInARemovedClusterIsStillServed) {
  upstream_.dial = Dial::kHold;
  Start({Config()});
  const auto call = Send();
  manager_->Update(MakeClusterSet({}, set_.get()));
  Settle();
  upstream_.AcceptHeld();
  Settle();
  ASSERT_EQ(upstream_.connections.size(), 1u);
  connection().Answer(200);
  Settle();
  EXPECT_EQ(call->status(), 200);
  EXPECT_TRUE(upstream_.connections.empty());
}

}  // namespace
}  // namespace narthex
