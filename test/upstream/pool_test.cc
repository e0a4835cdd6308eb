#include "source/upstream/pool.h"

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;
using Dial = FakeUpstream::Dial;

class PoolTest : public UpstreamTest {
 protected:
  // What statistics say of this test's cluster.
  uint64_t Stat(const std::string& name) {
    const std::string cluster = testing::UnitTest::GetInstance()->current_test_info()->name();
    return StatsStore::Process().ValueOf("cluster." + cluster + "." + name);
  }
};

TEST_F(PoolTest, UsesAConnectionAgain) {
  Start({Config()});
  for (int i = 0; i < 3; ++i) {
    const auto call = Send();
    connection().Answer(200);
    EXPECT_EQ(call->status(), 200);
  }
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(Stat("upstream_cx_total"), 1u);
  EXPECT_EQ(Stat("upstream_rq_total"), 3u);
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
}

TEST_F(PoolTest, AReadyConnectionIsHandedOutWithoutATurnOfTheLoop) {
  Start({Config()});
  const auto first = Send();
  connection().Answer(200);
  Call second(*this, products(), "GET", {});
  EXPECT_EQ(connection().requests_sent(), 2u);
}

TEST_F(PoolTest, TakesTheConnectionThatWasUsedLast) {
  Start({Config()});
  const auto one = Send(), two = Send();
  ASSERT_EQ(upstream_.connections.size(), 2u);
  connection(1).Answer(200);
  connection(0).Answer(200);
  const auto three = Send();
  EXPECT_EQ(connection(0).requests_sent(), 2u);
}

TEST_F(PoolTest, AnOpenResponseKeepsItsConnectionBusy) {
  Start({Config()});
  const auto one = Send();
  connection().Answer(200, /*whole=*/false);
  EXPECT_EQ(one->status(), 200);
  EXPECT_EQ(TotalsOf(0).rq_active, 1u);
  const auto two = Send();
  EXPECT_EQ(upstream_.connections.size(), 2u);
  connection(0).Finish();
  EXPECT_EQ(TotalsOf(0).rq_active, 1u);
}

TEST_F(PoolTest, ARequestWaitsForTheFirstConnectionThatBecomesFree) {
  auto config = Config();
  config->breakers[0].connections.value = 1;
  Start({config});
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 2u);
  EXPECT_GE(Stat("upstream_cx_overflow"), 1u);
  connection().Answer(200);
  Settle();
  EXPECT_FALSE(two->done());
  connection().Answer(201);
  Settle();
  EXPECT_EQ(two->status(), 201);
  connection().Answer(202);
  EXPECT_EQ(three->status(), 202);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0u);
}

TEST_F(PoolTest, AWaitingRequestThatIsCancelledLeavesTheQueue) {
  auto config = Config();
  config->breakers[0].connections.value = 1;
  Start({config});
  const auto one = Send();
  auto two = Send(), three = Send();
  two.reset();
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 1u);
  EXPECT_EQ(Stat("upstream_rq_cancelled"), 1u);
  connection().Answer(200);
  Settle();
  EXPECT_EQ(connection().requests_sent(), 2u);
  connection().Answer(203);
  EXPECT_EQ(three->status(), 203);
}

TEST_F(PoolTest, ARequestThatIsCancelledBetweenItsTurnAndItsStartGivesTheConnectionBack) {
  auto config = Config();
  config->breakers[0].connections.value = 1;
  Start({config});
  const auto one = Send();
  auto two = Send();
  connection().Answer(200);  // lent to the second, which goes on in the loop's next turn
  two.reset();
  Settle();
  const auto three = Send();
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(connection().requests_sent(), 2u);
}

TEST_F(PoolTest, AConnectionThatClosesBetweenTurnAndStartIsReplaced) {
  auto config = Config();
  config->breakers[0].connections.value = 1;
  Start({config});
  const auto one = Send(), two = Send();
  connection().Answer(200);
  connection().CloseIdle(/*told=*/true);
  Settle();
  ASSERT_EQ(upstream_.dialled, 2u);
  connection().Answer(204);
  EXPECT_EQ(two->status(), 204);
}

TEST_F(PoolTest, ARequestThatIsCancelledWhileItIsSentBreaksTheConnectionOff) {
  Start({Config()});
  auto one = Send();
  one.reset();
  Settle();
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_active"), 0u);
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
  EXPECT_EQ(Stat("upstream_cx_destroy_with_active_rq"), 1u);
}

TEST_F(PoolTest, BytesAreCountedAtTheEndOfARequestAndOfAConnectionOnce) {
  Start({Config()});
  const auto one = Send();
  connection().Answer(200);
  EXPECT_EQ(Stat("upstream_cx_tx_bytes_total"), 10u);
  EXPECT_EQ(Stat("upstream_cx_rx_bytes_total"), 50u);
  auto two = Send();
  two.reset();
  Settle();
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_tx_bytes_total"), 20u);
  EXPECT_EQ(Stat("upstream_cx_rx_bytes_total"), 50u);
}

TEST_F(PoolTest, AConnectionThatIsReadyTooLateServesTheNextRequest) {
  upstream_.dial = Dial::kHold;
  Start({Config()});
  auto one = Send();
  one.reset();
  upstream_.AcceptHeld();
  Settle();
  const auto two = Send();
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(connection().requests_sent(), 1u);
}

TEST_F(PoolTest, RefusedConnectionsFailTheRequestWithTheirCause) {
  upstream_.dial = Dial::kRefuse;
  Start({Config()});
  const auto call = Send();
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_EQ(call->error().detail,
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_"
            "Connection_refused}");
  EXPECT_EQ(call->error().cause, "connect to 127.0.0.1:9001: Connection refused");
  EXPECT_TRUE(call->error().retryable);
  EXPECT_EQ(TotalsOf(0).cx_connect_fail, 1u);
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1u);
  EXPECT_EQ(set_->clusters.at("products")->hosts()->hosts[0]->last_failure().cause, call->error().cause);
}

TEST_F(PoolTest, AConnectThatTakesTooLongFails) {
  upstream_.dial = Dial::kHold;
  auto config = Config();
  config->connection.connect_timeout = 60s;
  Start({config});
  const auto call = Send();
  Pass(40s);
  EXPECT_FALSE(call->done());
  Pass(20s);
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_EQ(call->error().detail, "upstream_reset_before_response_started{connection_timeout}");
  EXPECT_EQ(Stat("upstream_cx_connect_timeout"), 1u);
  EXPECT_EQ(Stat("upstream_cx_active"), 0u);
}

TEST_F(PoolTest, ABreakerSaysWhichLimitRefusedAndWhereItWasSet) {
  auto config = Config();
  config->breakers[0].requests = {1, "gateway.yaml:7:9: clusters[0].circuit_breakers"};
  Start({config});
  const auto one = Send(), two = Send();
  ASSERT_EQ(two->status(), -1);
  EXPECT_EQ(two->error().flag, ResponseFlag::kUpstreamOverflow);
  EXPECT_EQ(two->error().detail, "upstream_reset_before_response_started{overflow}");
  EXPECT_EQ(two->error().cause,
            "cluster products: circuit breaker max_requests is open: 1 of 1, set at gateway.yaml:7:9: "
            "clusters[0].circuit_breakers");
  EXPECT_EQ(Stat("upstream_rq_pending_overflow"), 1u);
  // The other priority has its own.
  const auto high = Send({.priority = Priority::kHigh});
  EXPECT_FALSE(high->done());
  connection(0).Answer(200);
  EXPECT_EQ(one->status(), 200);
  const auto three = Send();
  EXPECT_FALSE(three->done());
}

TEST_F(PoolTest, TheQueueIsBounded) {
  auto config = Config();
  config->breakers[0].connections.value = 1;
  config->breakers[0].pending_requests.value = 1;
  Start({config});
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_FALSE(two->done());
  ASSERT_EQ(three->status(), -1);
  EXPECT_NE(three->error().cause.find("max_pending_requests is open: 1 of 1"), std::string::npos);
}

TEST_F(PoolTest, EveryHostGetsAConnectionEvenWhenOthersTookThemAll) {
  auto config = Config(2);
  config->breakers[0].connections.value = 1;
  Start({config});
  const auto one = Send(), two = Send();
  EXPECT_EQ(upstream_.connections.size(), 2u);
}

TEST_F(PoolTest, ClosedIdleConnectionsAreGoneAtOnce) {
  Start({Config()});
  const auto one = Send();
  connection().Answer(200);
  connection().CloseIdle(/*told=*/true);
  Settle();
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_destroy_remote"), 1u);
}

TEST_F(PoolTest, AConnectionThatIsNotUsableIsPassedOver) {
  Start({Config()});
  const auto one = Send();
  connection().Answer(200);
  connection().CloseIdle(/*told=*/false);
  const auto two = Send();
  ASSERT_EQ(upstream_.connections.size(), 1u);
  EXPECT_EQ(upstream_.dialled, 2u);
}

TEST_F(PoolTest, IdleConnectionsEndAfterTheIdleTimeout) {
  auto config = Config();
  config->connection.idle_timeout = 1000ms;
  Start({config});
  const auto one = Send();
  Pass(2000ms);
  ASSERT_EQ(upstream_.connections.size(), 1u);  // busy
  connection().Answer(200);
  Pass(900ms);
  EXPECT_EQ(upstream_.connections.size(), 1u);
  Pass(200ms);
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 1u);
}

TEST_F(PoolTest, AConnectionEndsAfterItsMostRequests) {
  auto config = Config();
  config->connection.max_requests = 2;
  Start({config});
  for (int i = 0; i < 2; ++i) {
    const auto call = Send();
    connection().Answer(200);
  }
  Settle();
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 1u);
}

TEST_F(PoolTest, AConnectionEndsAfterItsLongestTimeButNotInsideAnExchange) {
  auto config = Config();
  config->connection.max_duration = 1000ms;
  Start({config});
  const auto one = Send();
  Pass(1100ms);
  ASSERT_EQ(upstream_.connections.size(), 1u);
  connection().Answer(200);
  Settle();
  EXPECT_EQ(one->status(), 200);
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_max_duration_reached"), 1u);
}

TEST_F(PoolTest, NothingIsCountedAnyMoreWhenTheWorkerHasEnded) {
  Start({Config()});
  {
    const auto one = Send();
    connection().Answer(200);
  }
  manager_.reset();
  Settle();
  EXPECT_TRUE(upstream_.connections.empty());
  EXPECT_EQ(set_->clusters.at("products")->breakers(Priority::kDefault).connections.Read(), 0);
  EXPECT_EQ(Stat("upstream_cx_active"), 0u);
}

TEST_F(PoolTest, AConnectionThatEndsWhileItIsHandedOverIsAFailedConnect) {
  upstream_.dial = Dial::kEndAtOnce;
  auto config = Config();
  config->breakers[0].connections.value = 1;
  Start({config});
  for (int i = 0; i < 3; ++i) {
    const auto call = Send();
    ASSERT_EQ(call->status(), -1);
    EXPECT_EQ(call->error().flag, ResponseFlag::kUpstreamConnectionFailure);
    EXPECT_EQ(call->error().cause,
              "connect to 127.0.0.1:9001: closed by the upstream before its first request");
  }
  EXPECT_EQ(upstream_.dialled, 3u);
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 3u);
  EXPECT_EQ(Stat("upstream_cx_active"), 0u);
  EXPECT_EQ(Stat("upstream_rq_total"), 0u);
  // Nothing stands in the way of the upstream that has recovered.
  upstream_.dial = Dial::kAccept;
  const auto call = Send();
  connection().Answer(200);
  EXPECT_EQ(call->status(), 200);
}

TEST_F(PoolTest, NewConnectionsThatEndBeforeTheyAreUsedAreTriedTwice) {
  upstream_.dial = Dial::kHold;
  Start({Config()});
  const auto call = Send();
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(call->done());
    upstream_.AcceptHeld();
    connection().CloseIdle(/*told=*/i == 0);
    Settle();
  }
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kUpstreamConnectionTermination);
  EXPECT_TRUE(call->error().retryable);
  EXPECT_EQ(upstream_.dialled, 2u);
  EXPECT_EQ(Stat("upstream_rq_total"), 0u);
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
  EXPECT_EQ(Stat("upstream_cx_active"), 0u);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0u);
}

TEST_F(PoolTest, AFailedConnectLeavesToOthersWhomTheyWillTake) {
  upstream_.dial = Dial::kHold;
  auto config = Config();
  config->connection.protocol = UpstreamProtocol::kHttp2;
  config->connection.codec.http2.max_concurrent_streams = 2;
  Start({config});
  const auto one = Send(), two = Send(), three = Send();
  ASSERT_EQ(upstream_.dialled, 2u);
  upstream_.dial = Dial::kEndAtOnce;
  upstream_.AcceptHeld();
  Settle();
  EXPECT_EQ(one->status(), -1);
  EXPECT_FALSE(two->done());
  EXPECT_FALSE(three->done());
  EXPECT_EQ(upstream_.dialled, 2u);
}

TEST_F(PoolTest, AnIdleConnectionThatMakesRoomIsReplacedByOne) {
  auto config = Config();
  Start({config});
  const auto one = Send(), two = Send();
  connection(0).Answer(200);
  connection(1).Answer(200);
  config->breakers[0].connections.value = 1;
  const auto three = Send();
  upstream_.dial = Dial::kHold;
  // It is made again on a new one, for which the other idle one has to go.
  connection(1).Die(/*written=*/false);
  Settle();
  EXPECT_EQ(upstream_.dialled, 3u);
  EXPECT_EQ(Stat("upstream_cx_active"), 1u);
}

}  // namespace
}  // namespace narthex
