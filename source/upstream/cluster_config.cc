#include "source/upstream/cluster_config.h"

#include <functional>

#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/upstream/config_reader.h"

namespace narthex {

namespace {

using cluster_config::ClusterMessage;
using envoy::extensions::load_balancing_policies::random::v3::Random;
using envoy::extensions::load_balancing_policies::round_robin::v3::RoundRobin;

// Envoy takes the first policy of the list that it knows.
LbPolicy ReadPolicyList(const ClusterMessage& cluster, const ConfigPath& path, Diagnostics& diagnostics) {
  for (const auto& policy : cluster.load_balancing_policy().policies()) {
    const google::protobuf::Any& any = policy.typed_extension_config().typed_config();
    if (any.Is<RoundRobin>()) return LbPolicy::kRoundRobin;
    if (any.Is<Random>()) return LbPolicy::kRandom;
  }
  diagnostics.Error(path.Field("policies"), "none of the policies is supported; use round_robin or random");
  return LbPolicy::kRoundRobin;
}

LbPolicy ReadPolicy(const ClusterMessage& cluster, const ConfigPath& path, Diagnostics& diagnostics) {
  if (cluster.has_load_balancing_policy()) {
    return ReadPolicyList(cluster, path.Field("load_balancing_policy"), diagnostics);
  }
  switch (cluster.lb_policy()) {
    case ClusterMessage::ROUND_ROBIN:
      return LbPolicy::kRoundRobin;
    case ClusterMessage::RANDOM:
      return LbPolicy::kRandom;
    case ClusterMessage::LOAD_BALANCING_POLICY_CONFIG:
      diagnostics.Error(path.Field("lb_policy"), "LOAD_BALANCING_POLICY_CONFIG needs load_balancing_policy");
      return LbPolicy::kRoundRobin;
    default:
      diagnostics.Error(path.Field("lb_policy"), ClusterMessage::LbPolicy_Name(cluster.lb_policy()) +
                                                     " is not supported; use ROUND_ROBIN or RANDOM");
      return LbPolicy::kRoundRobin;
  }
}

void RefuseUnsupported(const ClusterMessage& cluster, const ConfigPath& path, Diagnostics& diagnostics) {
  const ConfigPath track = path.Field("track_cluster_stats");
  const auto& stats = cluster.track_cluster_stats();
  if (stats.timeout_budgets()) diagnostics.Error(track.Field("timeout_budgets"), "is not supported");
  if (stats.request_response_sizes()) {
    diagnostics.Error(track.Field("request_response_sizes"), "is not supported");
  }
  if (stats.per_endpoint_stats()) {
    diagnostics.Error(track.Field("per_endpoint_stats"), "is not supported; /clusters shows each host");
  }
}

// Comes after ReadConnection, for what needs TLS.
void ReadTransport(const ClusterMessage& cluster, const ConfigPath& path, const ClusterDefaults& defaults,
                   ClusterConfig& config, Diagnostics& diagnostics) {
  ConnectionSettings& connection = config.connection;
  const size_t errors_before = diagnostics.error_count();
  if (cluster.has_transport_socket() && defaults.transport) {
    UpstreamTransport transport = defaults.transport(
        cluster.transport_socket(), path.Field("transport_socket"), "cluster." + config.stat_name + ".");
    connection.tls = std::move(transport.tls);
    connection.proxy_protocol = transport.proxy_protocol;
  }
  if (connection.tls != nullptr || diagnostics.error_count() != errors_before) return;
  const ConfigPath options = path.Field("typed_extension_protocol_options");
  if (connection.protocol == UpstreamProtocol::kAlpn) {
    diagnostics.Error(options,
                      "auto_config needs a transport_socket with TLS, whose ALPN chooses the version");
  }
  if (connection.auto_sni) diagnostics.Warning(options, "auto_sni has no effect without TLS");
}

uint64_t HashOf(const ClusterMessage& cluster, const ClusterDefaults& defaults) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);  // maps in the order of their keys
    cluster.SerializeToCodedStream(&coded);
  }
  bytes += std::to_string(defaults.buffer_limit);
  if (cluster.has_transport_socket()) bytes += defaults.transport_inputs;
  return std::hash<std::string>()(bytes);
}

}  // namespace

std::shared_ptr<const ClusterConfig> CompileCluster(const ClusterMessage& cluster, const ConfigPath& path,
                                                    Diagnostics& diagnostics,
                                                    const ClusterDefaults& defaults) {
  const size_t errors_before = diagnostics.error_count();
  auto config = std::make_shared<ClusterConfig>();
  config->name = cluster.name();
  config->stat_name = cluster.alt_stat_name().empty() ? cluster.name() : cluster.alt_stat_name();
  config->origin = path.Origin();
  config->content_hash = HashOf(cluster, defaults);
  config->connection.codec.buffer_limit = defaults.buffer_limit;
  // As Envoy's: an upstream is trusted with more of them than a client.
  config->connection.codec.http2.max_concurrent_streams = 1024;
  cluster_config::ReadType(cluster, path, *config, diagnostics);
  config->lb_policy = ReadPolicy(cluster, path, diagnostics);
  if (cluster.common_lb_config().has_healthy_panic_threshold()) {
    config->panic_threshold = cluster.common_lb_config().healthy_panic_threshold().value();
  }
  config->drain_on_host_change = cluster.common_lb_config().close_connections_on_host_set_change();
  cluster_config::ReadEndpoints(cluster, path, *config, diagnostics);
  cluster_config::ReadHealthChecks(cluster, path, *config, diagnostics);
  cluster_config::ReadOutliers(cluster, path, *config, diagnostics);
  cluster_config::ReadBreakers(cluster, path, *config, diagnostics);
  cluster_config::ReadConnection(cluster, path, *config, diagnostics);
  cluster_config::ReadDns(cluster, path, *config, diagnostics);
  RefuseUnsupported(cluster, path, diagnostics);
  ReadTransport(cluster, path, defaults, *config, diagnostics);
  if (diagnostics.error_count() != errors_before) return nullptr;
  return config;
}

}  // namespace narthex
