#include "source/stats/tags.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

// "name{tag=value,...}".
std::string Extract(std::string_view name) {
  const TaggedName tagged = ExtractTags(name);
  std::string text = tagged.name + "{";
  for (const StatTag& tag : tagged.tags) text += tag.name + "=" + tag.value + ",";
  return text + "}";
}

TEST(Tags, AClusterNameIsATag) {
  EXPECT_EQ(Extract("cluster.products.upstream_rq_total"),
            "cluster.upstream_rq_total{envoy_cluster_name=products,}");
  EXPECT_EQ(Extract("cluster.products.circuit_breakers.default.cx_open"),
            "cluster.circuit_breakers.default.cx_open{envoy_cluster_name=products,}");
}

TEST(Tags, AResponseCodeAndItsClassAreTags) {
  EXPECT_EQ(Extract("cluster.x.upstream_rq_503"),
            "cluster.upstream_rq{envoy_response_code=503,envoy_cluster_name=x,}");
  EXPECT_EQ(Extract("http.ingress.downstream_rq_2xx"),
            "http.downstream_rq_xx{envoy_response_code_class=2,envoy_http_conn_manager_prefix=ingress,}");
  EXPECT_EQ(Extract("cluster.x.upstream_rq_total"), "cluster.upstream_rq_total{envoy_cluster_name=x,}");
  EXPECT_EQ(Extract("_rq_200"), "_rq{envoy_response_code=200,}");
}

TEST(Tags, AListenerAddressIsATag) {
  EXPECT_EQ(Extract("listener.0.0.0.0_8080.downstream_cx_total"),
            "listener.downstream_cx_total{envoy_listener_address=0.0.0.0_8080,}");
  EXPECT_EQ(Extract("listener.[__1]_8080.http.ingress.downstream_rq_5xx"),
            "listener.http.downstream_rq_xx{envoy_response_code_class=5,envoy_listener_address=[__1]_8080,"
            "envoy_http_conn_manager_prefix=ingress,}");
  EXPECT_EQ(Extract("listener.127.0.0.1_80.worker_3.downstream_cx_active"),
            "listener.downstream_cx_active{envoy_listener_address=127.0.0.1_80,envoy_worker_id=3,}");
  EXPECT_EQ(Extract("listener.admin.downstream_cx_total"), "listener.admin.downstream_cx_total{}");
}

TEST(Tags, PartsFurtherBackAreTags) {
  EXPECT_EQ(Extract("vhost.shop.vcluster.cart.upstream_rq_time"),
            "vhost.vcluster.upstream_rq_time{envoy_virtual_cluster=cart,envoy_virtual_host=shop,}");
  EXPECT_EQ(Extract("http.in.fault.batch.aborts_injected"),
            "http.fault.aborts_injected{envoy_fault_downstream_cluster=batch,"
            "envoy_http_conn_manager_prefix=in,}");
  EXPECT_EQ(Extract("edge.http_local_rate_limit.enabled"),
            "http_local_rate_limit.enabled{envoy_local_http_ratelimit_prefix=edge,}");
}

TEST(Tags, NamesWithoutAVariablePartStay) {
  for (const char* name : {"server.live", "cluster_manager.active_clusters", "cluster.lonely", "http", "",
                           "listener.", "listener.1.2.3.4_80", ".", "cluster.", "rq_200"}) {
    EXPECT_EQ(Extract(name), std::string(name) + "{}");
  }
}

TEST(Tags, TellsTheServiceOfAGrpcCallFromItsMethod) {
  EXPECT_EQ(Extract("cluster.shop.grpc.pkg.v1.Cart.Add.total"),
            "cluster.grpc.total{envoy_grpc_bridge_method=Add,envoy_grpc_bridge_service=pkg.v1.Cart,"
            "envoy_cluster_name=shop,}");
  EXPECT_EQ(Extract("cluster.shop.grpc-web.Cart.Add.14"),
            "cluster.grpc-web.14{envoy_grpc_bridge_method=Add,envoy_grpc_bridge_service=Cart,"
            "envoy_cluster_name=shop,}");
  EXPECT_EQ(Extract("cluster.shop.grpc.total"), "cluster.grpc.total{envoy_cluster_name=shop,}");
  EXPECT_EQ(Extract("cluster.shop.grpc.a.total"), "cluster.grpc.a.total{envoy_cluster_name=shop,}");
  EXPECT_EQ(Extract("cluster.grpc.upstream_rq_total"), "cluster.upstream_rq_total{envoy_cluster_name=grpc,}");
}

}  // namespace
}  // namespace narthex
