#include "source/router/grpc_method_stats.h"

#include <string>

#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "source/router/compiled_route.h"

namespace narthex {
namespace {

uint64_t ValueOf(const std::string& name) {
  return StatsStore::Process().ValueOf(name);
}

// A call to `path` at `cluster` that ended with `status`.
void Call(const std::string& cluster, const std::string& path, uint64_t status) {
  const std::string name = GrpcMethodStats::NameOf("grpc", GrpcMethod::OfPath(path));
  const GrpcMethodStats* stats = GrpcMethodStats::Of(cluster, name, GrpcMethodStats::MakesKnown(status));
  if (stats != nullptr) stats->Count(status);
}

TEST(GrpcMethodStats, CountsByOutcome) {
  for (const uint64_t status : {0, 0, 5, 77}) Call("one", "/pkg.Cart/Add?x=1", status);
  EXPECT_EQ(ValueOf("cluster.one.grpc.pkg.Cart.Add.total"), 4u);
  EXPECT_EQ(ValueOf("cluster.one.grpc.pkg.Cart.Add.success"), 2u);
  EXPECT_EQ(ValueOf("cluster.one.grpc.pkg.Cart.Add.failure"), 2u);
  EXPECT_EQ(ValueOf("cluster.one.grpc.pkg.Cart.Add.0"), 2u);
  EXPECT_EQ(ValueOf("cluster.one.grpc.pkg.Cart.Add.5"), 1u);
  EXPECT_EQ(ValueOf("cluster.one.grpc.pkg.Cart.Add.77"), 0u) << "a name for each number would be without end";
}

TEST(GrpcMethodStats, CountsMessagesAndTime) {
  const GrpcMethodStats* stats = GrpcMethodStats::Of("two", "grpc.Cart.Add", true);
  ASSERT_NE(stats, nullptr);
  stats->CountMessages(2, 3);
  stats->CountMessages(1, 0);
  stats->RecordTime(7);
  EXPECT_EQ(ValueOf("cluster.two.grpc.Cart.Add.request_message_count"), 3u);
  EXPECT_EQ(ValueOf("cluster.two.grpc.Cart.Add.response_message_count"), 3u);
  EXPECT_EQ(ValueOf("cluster.two.grpc.Cart.Add.upstream_rq_time"), 1u);
}

TEST(GrpcMethodStats, KnowsAMethodWhenAServiceHasSpokenOfIt) {
  Call("three", "/Cart/Nothing", 12);
  Call("three", "/Cart/Add", 12);
  Call("three", "/Cart/Add", 3);
  Call("three", "/Cart/Add", 12);
  EXPECT_EQ(ValueOf("cluster.three.grpc.Cart.Nothing.total"), 0u);
  EXPECT_EQ(ValueOf("cluster.three.grpc.Cart.Add.total"), 2u);
  EXPECT_EQ(ValueOf("cluster.three.grpc.Cart.Add.12"), 1u);
}

TEST(GrpcMethodStats, ReadsPathsAndNames) {
  EXPECT_EQ(GrpcMethod::OfPath("/pkg.Cart/Add?x=/"), (GrpcMethod{"pkg.Cart", "Add"}));
  for (const std::string path : {"", "/", "/a", "/a/", "//a", "/a/b/c", "a/b", "*", "?/a/b"}) {
    EXPECT_EQ(GrpcMethod::OfPath(path), GrpcMethod()) << path;
    EXPECT_EQ(GrpcMethodStats::NameOf("grpc", GrpcMethod::OfPath(path)), "") << path;
  }
  EXPECT_EQ(GrpcMethodStats::NameOf("grpc", {"a%20", "b"}), "");
  EXPECT_EQ(GrpcMethodStats::NameOf("grpc", {"a", "b c"}), "");
  EXPECT_EQ(GrpcMethodStats::NameOf("grpc", {"a", std::string(1000, 'b')}), "");
  EXPECT_EQ(GrpcMethodStats::NameOf("grpc-web", {"a-b.c_d", "E1"}), "grpc-web.a-b.c_d.E1");
}

TEST(GrpcMethodStats, HasAnEndOfNamesForEachCluster) {
  const auto of = [](const std::string& cluster, size_t number) {
    return GrpcMethodStats::Of(cluster, "grpc.Many.Method" + std::to_string(number), true);
  };
  for (size_t i = 0; i < GrpcMethodStats::kMostMethods; ++i) ASSERT_NE(of("five", i), nullptr);
  EXPECT_EQ(of("five", GrpcMethodStats::kMostMethods), nullptr);
  EXPECT_NE(of("five", 0), nullptr);
  EXPECT_NE(of("six", GrpcMethodStats::kMostMethods), nullptr);
  EXPECT_EQ(GrpcMethodStats::Of("", "grpc.Many.Method", true), nullptr);
  EXPECT_EQ(GrpcMethodStats::Of("six", "", true), nullptr);
}

TEST(GrpcMethodStats, GoByTheClustersNameInStatistics) {
  const std::unique_ptr<EventLoop> loop = EventLoop::Make();
  const ConnectionFacts facts;
  Exchange exchange(*loop, facts);
  EXPECT_EQ(ClusterStatName(exchange), "");
  exchange.upstream.cluster = "seven";
  EXPECT_EQ(ClusterStatName(exchange), "seven");
  CompiledRoute route;
  route.cluster_stats = &ClusterResponseStats::Of("alternative");
  exchange.set_route(route);
  EXPECT_EQ(ClusterStatName(exchange), "alternative");
}

}  // namespace
}  // namespace narthex
