// Pools of connections that begin with a PROXY header, and so serve one client only.

#include "source/upstream/host_pools.h"
#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

class ProxyHeaderPoolsTest : public UpstreamTest {
 protected:
  std::shared_ptr<ClusterConfig> WithHeader(uint32_t max_connections = 1024) {
    auto config = Config();
    config->connection.proxy_protocol = 1;
    config->breakers[0].connections.value = max_connections;
    return config;
  }
  // A request of the client whose connection has this port.
  std::unique_ptr<Call> SendFrom(uint16_t port) {
    facts_.remote = *Address::Ip("192.0.2.1", port);
    facts_.local = *Address::Ip("198.51.100.7", 443);
    return Send();
  }
  void AskFrom(uint16_t port) {
    const auto call = SendFrom(port);
    upstream_.connections.back()->Answer(200);
    ASSERT_EQ(call->status(), 200);
  }
};

TEST_F(ProxyHeaderPoolsTest, AConnectionServesOneClientOnly) {
  Start({WithHeader()});
  AskFrom(4000);
  EXPECT_EQ(upstream_.last_proxy_header, "PROXY TCP4 192.0.2.1 198.51.100.7 4000 443\r\n");
  AskFrom(4001);
  EXPECT_EQ(upstream_.last_proxy_header, "PROXY TCP4 192.0.2.1 198.51.100.7 4001 443\r\n");
  EXPECT_EQ(upstream_.dialled, 2u);
  // The idle connection of the first is its own still.
  const auto call = SendFrom(4000);
  EXPECT_EQ(upstream_.dialled, 2u);
  EXPECT_EQ(connection(0).requests_sent(), 2u);
  connection(0).Answer(200);
}

TEST_F(ProxyHeaderPoolsTest, WithoutAHeaderTheyAreShared) {
  Start({Config()});
  AskFrom(4000);
  AskFrom(4001);
  EXPECT_EQ(upstream_.dialled, 1u);
  EXPECT_EQ(upstream_.last_proxy_header, "");
}

TEST_F(ProxyHeaderPoolsTest, ClientsWithoutAnIpAddressShareThem) {
  Start({WithHeader()});
  const auto first = Send();
  connection().Answer(200);
  const auto second = Send();
  EXPECT_EQ(upstream_.last_proxy_header, "PROXY UNKNOWN\r\n");
  EXPECT_EQ(upstream_.dialled, 1u);
  connection().Answer(200);
}

TEST_F(ProxyHeaderPoolsTest, IdleOnesOfOtherClientsMakeRoom) {
  Start({WithHeader(/*max_connections=*/2)});
  for (uint16_t port = 4000; port < 4010; ++port) AskFrom(port);
  EXPECT_EQ(upstream_.dialled, 10u);
  Settle();
  EXPECT_LE(upstream_.connections.size(), 2u);
  EXPECT_LE(TotalsOf(0).cx_active, 2u);
}

// A pool of its own, beside a worker's cluster.
TEST_F(ProxyHeaderPoolsTest, APoolGoesWithItsLastConnection) {
  auto config = Config();
  const auto runtime = ClusterRuntime::Make(config);
  PoolContext context(*loop_, runtime,
                      {.http = upstream_.MakeConnector(), .stream = upstream_.MakeStreamConnector()});
  size_t emptied = 0;
  HostPools pools(context);
  context.on_drained = [&](Pool& pool) {
    ++emptied;
    pools.NoteEmpty(pool);
  };
  pools.SetHosts(*runtime->hosts());
  Host& host = *runtime->hosts()->hosts[0];
  Pool& kept = pools.PoolOf(host, {});
  {
    const Lease lease(kept);
  }
  EXPECT_EQ(emptied, 0u);
  {
    const Lease lease(pools.PoolOf(host, {.proxy_header = "one"}));
  }
  {
    const Lease lease(pools.PoolOf(host, {.proxy_header = "two"}));
  }
  EXPECT_EQ(emptied, 2u);
  const Lease held(pools.PoolOf(host, {.proxy_header = "two"}));
  const Pool* two = &pools.PoolOf(host, {.proxy_header = "two"});
  pools.Sweep();
  EXPECT_EQ(&pools.PoolOf(host, {}), &kept);
  EXPECT_EQ(&pools.PoolOf(host, {.proxy_header = "two"}), two);
  // All of them count in the same cells, so that nothing grows with the clients that come and go.
  EXPECT_EQ(&pools.PoolOf(host, {.proxy_header = "three"}).cells(), &kept.cells());
  EXPECT_FALSE(pools.idle());
}

}  // namespace
}  // namespace narthex
