#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/base/ascii.h"
#include "source/config/unpack.h"
#include "source/upstream/config_reader.h"
#include "source/upstream/http2_settings.h"

namespace narthex::cluster_config {

namespace {

using UpstreamHttpOptions = envoy::extensions::upstreams::http::v3::HttpProtocolOptions;

constexpr char kHttpOptions[] = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

void ReadLimit(bool set, uint32_t value, const ConfigPath& path, Limit& limit) {
  limit.origin = path.Origin().ToString();
  if (set) limit.value = value;
}

void ReadCommonOptions(const envoy::config::core::v3::HttpProtocolOptions& common, const ConfigPath& path,
                       ConnectionSettings& connection, Diagnostics& diagnostics) {
  if (common.has_idle_timeout()) connection.idle_timeout = ToMilliseconds(common.idle_timeout());
  if (common.has_max_connection_duration()) {
    connection.max_duration = ToMilliseconds(common.max_connection_duration());
  }
  if (common.has_max_requests_per_connection()) {
    connection.max_requests = common.max_requests_per_connection().value();
  }
  if (common.has_max_headers_count()) connection.codec.max_headers = common.max_headers_count().value();
  if (common.has_max_response_headers_kb()) {
    connection.codec.max_response_header_kb = common.max_response_headers_kb().value();
  }
  if (common.has_max_stream_duration()) {
    diagnostics.Error(path.Field("max_stream_duration"),
                      "is not supported for upstreams; set it in the route or the connection manager");
  }
  if (common.headers_with_underscores_action() != envoy::config::core::v3::HttpProtocolOptions::ALLOW) {
    diagnostics.Error(path.Field("headers_with_underscores_action"), "only ALLOW is supported for upstreams");
  }
}

// Of a message with options for each version.
template <class Versions>
void ReadVersions(const Versions& versions, const ConfigPath& path, ConnectionSettings& connection,
                  Diagnostics& diagnostics) {
  connection.codec.enable_trailers = versions.http_protocol_options().enable_trailers();
  if (versions.has_http2_protocol_options()) {
    CompileHttp2Options(versions.http2_protocol_options(), path.Field("http2_protocol_options"), diagnostics,
                        connection.codec.http2);
  }
}

void ReadServerName(const envoy::config::core::v3::UpstreamHttpProtocolOptions& options,
                    ConnectionSettings& connection) {
  connection.auto_sni = options.auto_sni();
  connection.auto_san_validation = options.auto_san_validation();
  connection.sni_header = ToLowerAscii(options.override_auto_sni_header());
}

void ReadHttpOptions(const UpstreamHttpOptions& options, const ConfigPath& path,
                     ConnectionSettings& connection, Diagnostics& diagnostics) {
  ReadCommonOptions(options.common_http_protocol_options(), path.Field("common_http_protocol_options"),
                    connection, diagnostics);
  ReadServerName(options.upstream_http_protocol_options(), connection);
  if (options.has_use_downstream_protocol_config()) {
    const auto& versions = options.use_downstream_protocol_config();
    connection.protocol =
        versions.has_http2_protocol_options() ? UpstreamProtocol::kDownstream : UpstreamProtocol::kHttp1;
    ReadVersions(versions, path.Field("use_downstream_protocol_config"), connection, diagnostics);
  } else if (options.has_auto_config()) {
    connection.protocol = UpstreamProtocol::kAlpn;
    ReadVersions(options.auto_config(), path.Field("auto_config"), connection, diagnostics);
  } else {
    const auto& versions = options.explicit_http_config();
    connection.protocol =
        versions.has_http2_protocol_options() ? UpstreamProtocol::kHttp2 : UpstreamProtocol::kHttp1;
    ReadVersions(versions, path.Field("explicit_http_config"), connection, diagnostics);
  }
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

// What a cluster said itself before it had typed_extension_protocol_options, which take precedence.
void ReadDeprecated(const ClusterMessage& cluster, const ConfigPath& path, ConnectionSettings& connection,
                    Diagnostics& diagnostics) {
  if (!cluster.has_http2_protocol_options()) return;
  connection.protocol = UpstreamProtocol::kHttp2;
  CompileHttp2Options(cluster.http2_protocol_options(), path.Field("http2_protocol_options"), diagnostics,
                      connection.codec.http2);
}

#pragma clang diagnostic pop

}  // namespace

void ReadBreakers(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                  Diagnostics& diagnostics) {
  const ConfigPath breakers = path.Field("circuit_breakers");
  const ConfigPath all = breakers.Field("thresholds");
  for (BreakerLimits& limits : config.breakers) {
    const std::string origin = breakers.Origin().ToString();
    limits.connections.origin = limits.pending_requests.origin = origin;
    limits.requests.origin = limits.retries.origin = origin;
  }
  bool seen[2] = {};
  for (int i = 0; i < cluster.circuit_breakers().thresholds_size(); ++i) {
    const auto& source = cluster.circuit_breakers().thresholds(i);
    const ConfigPath at = all.Index(i);
    const size_t priority = source.priority() == envoy::config::core::v3::HIGH ? 1 : 0;
    // As Envoy: the first entry of a priority counts.
    if (seen[priority]) {
      diagnostics.Warning(at, "has no effect: an entry above has the same priority");
      continue;
    }
    seen[priority] = true;
    BreakerLimits& limits = config.breakers[priority];
    ReadLimit(source.has_max_connections(), source.max_connections().value(), at.Field("max_connections"),
              limits.connections);
    ReadLimit(source.has_max_pending_requests(), source.max_pending_requests().value(),
              at.Field("max_pending_requests"), limits.pending_requests);
    ReadLimit(source.has_max_requests(), source.max_requests().value(), at.Field("max_requests"),
              limits.requests);
    ReadLimit(source.has_max_retries(), source.max_retries().value(), at.Field("max_retries"),
              limits.retries);
    if (source.has_retry_budget()) {
      const auto& budget = source.retry_budget();
      limits.retry_budget.emplace();
      if (budget.has_budget_percent()) limits.retry_budget->percent = budget.budget_percent().value();
      if (budget.has_min_retry_concurrency())
        limits.retry_budget->least = budget.min_retry_concurrency().value();
      limits.retries.origin = at.Field("retry_budget").Origin().ToString();
      if (source.has_max_retries()) {
        diagnostics.Warning(at.Field("max_retries"), "has no effect: retry_budget is in its place");
      }
    }
    limits.track_remaining = source.track_remaining();
    if (source.has_max_connection_pools()) {
      diagnostics.Warning(at.Field("max_connection_pools"), "has no effect: each host has one pool a worker");
    }
  }
  if (cluster.circuit_breakers().per_host_thresholds_size() > 0) {
    diagnostics.Error(breakers.Field("per_host_thresholds"), "is not supported");
  }
}

void ReadConnection(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                    Diagnostics& diagnostics) {
  ConnectionSettings& connection = config.connection;
  if (cluster.has_connect_timeout()) connection.connect_timeout = ToMilliseconds(cluster.connect_timeout());
  if (cluster.has_per_connection_buffer_limit_bytes()) {
    connection.codec.buffer_limit = cluster.per_connection_buffer_limit_bytes().value();
  }
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
  // Where HttpProtocolOptions say it as well, they win.
  connection.max_requests = cluster.max_requests_per_connection().value();
#pragma clang diagnostic pop
  if (cluster.upstream_connection_options().has_tcp_keepalive()) {
    const auto& source = cluster.upstream_connection_options().tcp_keepalive();
    TcpKeepalive& keepalive = connection.keepalive.emplace();
    if (source.has_keepalive_probes()) keepalive.probes = source.keepalive_probes().value();
    if (source.has_keepalive_time()) keepalive.time_seconds = source.keepalive_time().value();
    if (source.has_keepalive_interval()) keepalive.interval_seconds = source.keepalive_interval().value();
  }
  ReadDeprecated(cluster, path, connection, diagnostics);
  const ConfigPath extensions = path.Field("typed_extension_protocol_options");
  for (const auto& [name, any] : cluster.typed_extension_protocol_options()) {
    const ConfigPath at = extensions.Key(name);
    if (name != kHttpOptions) {
      diagnostics.Error(at, "unsupported protocol options", kHttpOptions);
      continue;
    }
    absl::StatusOr<UpstreamHttpOptions> options = Unpack<UpstreamHttpOptions>(any, at);
    if (options.ok()) {
      ReadHttpOptions(*options, at, connection, diagnostics);
    } else {
      diagnostics.AddStatus(options.status());
    }
  }
}

}  // namespace narthex::cluster_config
