#include "source/upstream/raw_connection.h"

#include <optional>

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using Dial = FakeUpstream::Dial;

class RawConnectionTest : public UpstreamTest {
 protected:
  // An attempt of the test's, with what came of it.
  struct Attempt {
    UpstreamFacts facts;
    std::optional<RawResult> result;
    Task<void> task;

    bool connected() const { return result && std::holds_alternative<RawConnection>(*result); }
    const ExchangeError& error() const { return std::get<ExchangeError>(*result); }
    void Close() { result.reset(); }
  };
  static Task<void> Run(Cluster& cluster, RawOptions options, Attempt& attempt) {
    attempt.result.emplace(co_await cluster.Connect(options, attempt.facts));
  }
  std::unique_ptr<Attempt> Connect(RawOptions options = {}) {
    auto attempt = std::make_unique<Attempt>();
    attempt->task = Run(products(), options, *attempt);
    attempt->task.Start();
    Settle();
    return attempt;
  }
  int64_t OpenConnections() {
    return set_->clusters.at("products")->breakers(Priority::kDefault).connections.Read();
  }
};

TEST_F(RawConnectionTest, CountsForAsLongAsItLives) {
  Start({Config()});
  const auto attempt = Connect();
  ASSERT_TRUE(attempt->connected());
  EXPECT_EQ(attempt->facts.cluster, "products");
  EXPECT_EQ(attempt->facts.host.ToString(), "127.0.0.1:9001");
  EXPECT_EQ(TotalsOf(0).cx_total, 1u);
  EXPECT_EQ(TotalsOf(0).cx_active, 1u);
  EXPECT_EQ(OpenConnections(), 1);
  Buffer bytes("hello");
  std::get<RawConnection>(*attempt->result).stream->Write(bytes);
  EXPECT_EQ(upstream_.peers.front().received, "hello");
  attempt->Close();
  EXPECT_TRUE(upstream_.peers.front().destroyed);
  EXPECT_EQ(TotalsOf(0).cx_active, 0u);
  EXPECT_EQ(OpenConnections(), 0);
}

TEST_F(RawConnectionTest, TheBreakerOfConnectionsBoundsThem) {
  auto config = Config();
  config->breakers[0].connections = {1, "gateway.yaml:7:3"};
  Start({config});
  const auto first = Connect(), second = Connect();
  ASSERT_TRUE(first->connected());
  ASSERT_FALSE(second->connected());
  EXPECT_EQ(second->error().flag, ResponseFlag::kUpstreamOverflow);
  EXPECT_EQ(second->error().cause,
            "cluster products: circuit breaker max_connections is open: 1 of 1, set at gateway.yaml:7:3");
  first->Close();
  EXPECT_TRUE(Connect()->connected());
}

TEST_F(RawConnectionTest, ARefusalIsTheHosts) {
  Start({Config()});
  upstream_.dial = Dial::kRefuse;
  const auto attempt = Connect();
  ASSERT_FALSE(attempt->connected());
  EXPECT_EQ(attempt->error().flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_EQ(attempt->error().cause, "connect to 127.0.0.1:9001: Connection refused");
  EXPECT_EQ(TotalsOf(0).cx_connect_fail, 1u);
  EXPECT_EQ(TotalsOf(0).cx_active, 0u);
  EXPECT_EQ(OpenConnections(), 0);
}

TEST_F(RawConnectionTest, ConnectTimeoutBoundsAnAttempt) {
  Start({Config()});
  upstream_.dial = Dial::kHold;
  const auto attempt = Connect();
  EXPECT_FALSE(attempt->result.has_value());
  Pass(std::chrono::milliseconds(5001));
  ASSERT_TRUE(attempt->result.has_value());
  EXPECT_EQ(attempt->error().flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_NE(attempt->error().cause.find("not done within connect_timeout, 5000 ms"), std::string::npos);
}

TEST_F(RawConnectionTest, AnAttemptThatIsCalledOffCountsNoMore) {
  Start({Config()});
  upstream_.dial = Dial::kHold;
  const auto attempt = Connect();
  EXPECT_EQ(OpenConnections(), 1);
  attempt->task.Cancel();
  EXPECT_EQ(OpenConnections(), 0);
  EXPECT_EQ(TotalsOf(0).cx_connect_fail, 0u);
}

TEST_F(RawConnectionTest, PassesOverTheHostToAvoid) {
  Start({Config(2)});
  const Address avoid = *Address::Ip("127.0.0.1", 9001);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Connect({.avoid = avoid})->facts.host.port(), 9002);
}

TEST_F(RawConnectionTest, TheOnlyHostIsNotPassedOver) {
  Start({Config(1)});
  EXPECT_TRUE(Connect({.avoid = *Address::Ip("127.0.0.1", 9001)})->connected());
}

TEST_F(RawConnectionTest, AClusterWithoutHostsHasNone) {
  Start({Config(0)});
  const auto attempt = Connect();
  ASSERT_FALSE(attempt->connected());
  EXPECT_EQ(attempt->error().flag, ResponseFlag::kNoHealthyUpstream);
}

TEST_F(RawConnectionTest, OutlivesTheClusterOfItsWorker) {
  Start({Config()});
  const auto attempt = Connect();
  const auto runtime = set_->clusters.at("products");
  manager_->Update(MakeClusterSet({}, nullptr));
  Settle();
  EXPECT_EQ(manager_->Find("products"), nullptr);
  manager_.reset();
  EXPECT_EQ(runtime->breakers(Priority::kDefault).connections.Read(), 1);
  attempt->Close();
  EXPECT_EQ(runtime->breakers(Priority::kDefault).connections.Read(), 0);
}

TEST_F(RawConnectionTest, BeginsWithTheHeaderOfItsClient) {
  auto config = Config();
  config->connection.proxy_protocol = 1;
  Start({config});
  facts_.remote = *Address::Ip("192.0.2.1", 4000);
  facts_.local = *Address::Ip("198.51.100.7", 443);
  Connect({.client = &facts_});
  EXPECT_EQ(upstream_.last_proxy_header, "PROXY TCP4 192.0.2.1 198.51.100.7 4000 443\r\n");
  Connect();
  EXPECT_EQ(upstream_.last_proxy_header, "PROXY UNKNOWN\r\n");
}

}  // namespace
}  // namespace narthex
