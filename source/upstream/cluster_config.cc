#include "source/upstream/cluster_config.h"

#include <functional>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/upstream/config_reader.h"

namespace narthex {

namespace {

using cluster_config::ClusterMessage;

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

uint64_t HashOf(const ClusterMessage& cluster, const ClusterDefaults& defaults,
                const BalancerSettings& balancer) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);  // maps in the order of their keys
    cluster.SerializeToCodedStream(&coded);
  }
  bytes += std::to_string(defaults.buffer_limit);
  // Which the runtime may set.
  bytes += " " + std::to_string(balancer.active_request_bias) + " " +
           std::to_string(balancer.slow_start.aggression);
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
  config->connection.codec.buffer_limit = defaults.buffer_limit;
  // As Envoy's: an upstream is trusted with more of them than a client.
  config->connection.codec.http2.max_concurrent_streams = 1024;
  cluster_config::ReadType(cluster, path, *config, diagnostics);
  cluster_config::ReadBalancer(cluster, path, defaults, *config, diagnostics);
  config->drain_on_host_change = cluster.common_lb_config().close_connections_on_host_set_change();
  cluster_config::ReadEndpoints(cluster, path, *config, diagnostics);
  cluster_config::ReadHealthChecks(cluster, path, *config, diagnostics);
  cluster_config::ReadOutliers(cluster, path, *config, diagnostics);
  cluster_config::ReadBreakers(cluster, path, *config, diagnostics);
  cluster_config::ReadConnection(cluster, path, *config, diagnostics);
  cluster_config::ReadDns(cluster, path, *config, diagnostics);
  RefuseUnsupported(cluster, path, diagnostics);
  ReadTransport(cluster, path, defaults, *config, diagnostics);
  config->content_hash = HashOf(cluster, defaults, config->balancer);
  if (diagnostics.error_count() != errors_before) return nullptr;
  return config;
}

}  // namespace narthex
