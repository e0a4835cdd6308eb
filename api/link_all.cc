// The linker takes an object file out of a library only when something refers to it. This file refers to one
// message of each .proto file, which brings in the file with its whole descriptor.
#include <google/protobuf/message.h>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/cluster/v3/outlier_detection.pb.h"
#include "envoy/config/common/mutation_rules/v3/mutation_rules.pb.h"
#include "envoy/config/core/v3/address.pb.h"
#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/core/v3/grpc_method_list.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/core/v3/protocol.pb.h"
#include "envoy/config/core/v3/proxy_protocol.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/metrics/v3/stats.pb.h"
#include "envoy/config/overload/v3/overload.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/filters/common/fault/v3/fault.pb.h"
#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "envoy/extensions/filters/http/grpc_stats/v3/grpc_stats.pb.h"
#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.pb.h"
#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header.pb.h"
#include "envoy/extensions/http/original_ip_detection/xff/v3/xff.pb.h"
#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/maglev/v3/maglev.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "envoy/extensions/regex_engines/v3/google_re2.pb.h"
#include "envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.pb.h"
#include "envoy/extensions/resource_monitors/injected_resource/v3/injected_resource.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "envoy/type/metadata/v3/metadata.pb.h"
#include "envoy/type/v3/type.pb.h"
#include "narthex/config/bootstrap/v1/bootstrap.pb.h"
#include "narthex/config/load_balancing/v1/peak_ewma.pb.h"
#include "validate/validate.pb.h"

namespace narthex {

// Called by nobody: that the reference exists is enough, since the library is always linked.
void LinkApi() {
  using google::protobuf::LinkMessageReflection;
  LinkMessageReflection<envoy::config::accesslog::v3::AccessLog>();
  LinkMessageReflection<envoy::config::bootstrap::v3::Bootstrap>();
  LinkMessageReflection<envoy::config::cluster::v3::Cluster>();
  LinkMessageReflection<envoy::config::cluster::v3::OutlierDetection>();
  LinkMessageReflection<envoy::config::common::mutation_rules::v3::HeaderMutation>();
  LinkMessageReflection<envoy::config::core::v3::Address>();
  LinkMessageReflection<envoy::config::core::v3::Locality>();
  LinkMessageReflection<envoy::config::core::v3::GrpcMethodList>();
  LinkMessageReflection<envoy::config::core::v3::HealthCheck>();
  LinkMessageReflection<envoy::config::core::v3::HttpProtocolOptions>();
  LinkMessageReflection<envoy::config::core::v3::ProxyProtocolConfig>();
  LinkMessageReflection<envoy::config::endpoint::v3::ClusterLoadAssignment>();
  LinkMessageReflection<envoy::config::listener::v3::Listener>();
  LinkMessageReflection<envoy::config::metrics::v3::StatsConfig>();
  LinkMessageReflection<envoy::config::overload::v3::OverloadManager>();
  LinkMessageReflection<envoy::config::route::v3::RouteConfiguration>();
  LinkMessageReflection<envoy::config::route::v3::VirtualHost>();
  LinkMessageReflection<envoy::extensions::access_loggers::file::v3::FileAccessLog>();
  LinkMessageReflection<envoy::extensions::access_loggers::stream::v3::StdoutAccessLog>();
  LinkMessageReflection<envoy::extensions::clusters::dns::v3::DnsCluster>();
  LinkMessageReflection<envoy::extensions::filters::common::fault::v3::FaultDelay>();
  LinkMessageReflection<envoy::extensions::filters::http::buffer::v3::Buffer>();
  LinkMessageReflection<envoy::extensions::filters::http::fault::v3::FaultAbort>();
  LinkMessageReflection<envoy::extensions::filters::http::grpc_stats::v3::FilterConfig>();
  LinkMessageReflection<envoy::extensions::filters::http::grpc_web::v3::GrpcWeb>();
  LinkMessageReflection<envoy::extensions::filters::http::header_mutation::v3::Mutations>();
  LinkMessageReflection<envoy::extensions::filters::http::health_check::v3::HealthCheck>();
  LinkMessageReflection<envoy::extensions::filters::http::router::v3::Router>();
  LinkMessageReflection<envoy::extensions::filters::listener::http_inspector::v3::HttpInspector>();
  LinkMessageReflection<envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol>();
  LinkMessageReflection<envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector>();
  LinkMessageReflection<
      envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager>();
  LinkMessageReflection<envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy>();
  LinkMessageReflection<
      envoy::extensions::http::original_ip_detection::custom_header::v3::CustomHeaderConfig>();
  LinkMessageReflection<envoy::extensions::http::original_ip_detection::xff::v3::XffConfig>();
  LinkMessageReflection<envoy::extensions::load_balancing_policies::common::v3::SlowStartConfig>();
  LinkMessageReflection<envoy::extensions::load_balancing_policies::least_request::v3::LeastRequest>();
  LinkMessageReflection<envoy::extensions::load_balancing_policies::maglev::v3::Maglev>();
  LinkMessageReflection<envoy::extensions::load_balancing_policies::random::v3::Random>();
  LinkMessageReflection<envoy::extensions::load_balancing_policies::ring_hash::v3::RingHash>();
  LinkMessageReflection<envoy::extensions::load_balancing_policies::round_robin::v3::RoundRobin>();
  LinkMessageReflection<envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig>();
  LinkMessageReflection<envoy::extensions::regex_engines::v3::GoogleRE2>();
  LinkMessageReflection<envoy::extensions::resource_monitors::cpu_utilization::v3::CpuUtilizationConfig>();
  LinkMessageReflection<
      envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig>();
  LinkMessageReflection<envoy::extensions::resource_monitors::fixed_heap::v3::FixedHeapConfig>();
  LinkMessageReflection<
      envoy::extensions::resource_monitors::injected_resource::v3::InjectedResourceConfig>();
  LinkMessageReflection<envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate>();
  LinkMessageReflection<
      envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport>();
  LinkMessageReflection<envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer>();
  LinkMessageReflection<envoy::extensions::transport_sockets::tls::v3::TlsParameters>();
  LinkMessageReflection<envoy::extensions::transport_sockets::tls::v3::Secret>();
  LinkMessageReflection<envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext>();
  LinkMessageReflection<envoy::extensions::upstreams::http::v3::HttpProtocolOptions>();
  LinkMessageReflection<envoy::service::discovery::v3::DiscoveryResponse>();
  LinkMessageReflection<envoy::type::matcher::v3::RegexMatcher>();
  LinkMessageReflection<envoy::type::metadata::v3::MetadataKey>();
  LinkMessageReflection<envoy::type::v3::Percent>();
  LinkMessageReflection<narthex::config::bootstrap::v1::Profile>();
  LinkMessageReflection<narthex::config::load_balancing::v1::PeakEwma>();
  LinkMessageReflection<validate::FieldRules>();
}

}  // namespace narthex
