#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/config/unpack.h"
#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

using envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
using UpstreamHttpOptions = envoy::extensions::upstreams::http::v3::HttpProtocolOptions;

constexpr char kHttpOptions[] = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

std::chrono::milliseconds Milliseconds(const google::protobuf::Duration& duration) {
  // Rounded up, so that a positive duration never means "none".
  return std::chrono::milliseconds(duration.seconds() * 1000 + (duration.nanos() + 999'999) / 1'000'000);
}

void ReadLimit(bool set, uint32_t value, const ConfigPath& path, Limit& limit) {
  limit.origin = path.Origin().ToString();
  if (set) limit.value = value;
}

void ReadCommonOptions(const envoy::config::core::v3::HttpProtocolOptions& common, const ConfigPath& path,
                       ConnectionSettings& connection, Diagnostics& diagnostics) {
  if (common.has_idle_timeout()) connection.idle_timeout = Milliseconds(common.idle_timeout());
  if (common.has_max_connection_duration()) {
    connection.max_duration = Milliseconds(common.max_connection_duration());
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

void ReadHttpOptions(const UpstreamHttpOptions& options, const ConfigPath& path,
                     ConnectionSettings& connection, Diagnostics& diagnostics) {
  ReadCommonOptions(options.common_http_protocol_options(), path.Field("common_http_protocol_options"),
                    connection, diagnostics);
  const auto& http1 = options.has_use_downstream_protocol_config()
                          ? options.use_downstream_protocol_config().http_protocol_options()
                          : options.explicit_http_config().http_protocol_options();
  connection.codec.enable_trailers = http1.enable_trailers();
}

void ReadResolver(const CaresDnsResolverConfig& resolver, const ConfigPath& path, DnsResolverOptions& options,
                  Diagnostics& diagnostics) {
  for (int i = 0; i < resolver.resolvers_size(); ++i) {
    const auto& socket = resolver.resolvers(i).socket_address();
    absl::StatusOr<Address> address =
        Address::Ip(socket.address(), static_cast<uint16_t>(socket.port_value()));
    if (address.ok()) {
      options.servers.push_back(address->ToString());
    } else {
      diagnostics.Error(path.Field("resolvers").Index(i), "a resolver needs an IP address and a port");
    }
  }
  options.use_tcp = resolver.dns_resolver_options().use_tcp_for_dns_lookups();
  options.search_domains = !resolver.dns_resolver_options().no_default_search_domain();
  options.rotate_servers = resolver.rotate_nameservers();
  if (resolver.has_query_timeout_seconds()) {
    options.query_timeout = std::chrono::seconds(resolver.query_timeout_seconds().value());
  }
  if (resolver.has_query_tries()) options.tries = resolver.query_tries().value();
  if (resolver.use_resolvers_as_fallback()) {
    diagnostics.Error(path.Field("use_resolvers_as_fallback"), "is not supported");
  }
  if (resolver.filter_unroutable_families()) {
    diagnostics.Error(path.Field("filter_unroutable_families"), "is not supported; set dns_lookup_family");
  }
}

DnsFamily FamilyOf(ClusterMessage::DnsLookupFamily family) {
  switch (family) {
    case ClusterMessage::V4_ONLY:
      return DnsFamily::kV4Only;
    case ClusterMessage::V6_ONLY:
      return DnsFamily::kV6Only;
    case ClusterMessage::V4_PREFERRED:
      return DnsFamily::kV4Preferred;
    case ClusterMessage::ALL:
      return DnsFamily::kAll;
    default:
      return DnsFamily::kAuto;
  }
}

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
  if (cluster.has_connect_timeout()) connection.connect_timeout = Milliseconds(cluster.connect_timeout());
  if (cluster.has_per_connection_buffer_limit_bytes()) {
    connection.codec.buffer_limit = cluster.per_connection_buffer_limit_bytes().value();
  }
  if (cluster.upstream_connection_options().has_tcp_keepalive()) {
    const auto& source = cluster.upstream_connection_options().tcp_keepalive();
    TcpKeepalive& keepalive = connection.keepalive.emplace();
    if (source.has_keepalive_probes()) keepalive.probes = source.keepalive_probes().value();
    if (source.has_keepalive_time()) keepalive.time_seconds = source.keepalive_time().value();
    if (source.has_keepalive_interval()) keepalive.interval_seconds = source.keepalive_interval().value();
  }
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

void ReadDns(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
             Diagnostics& diagnostics) {
  DnsSettings& dns = config.dns;
  dns.family = FamilyOf(cluster.dns_lookup_family());
  const auto deprecated = [&](const char* field) {
    diagnostics.Warning(path.Field(field), "is deprecated in Envoy v3 and works all the same");
  };
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
  if (cluster.has_dns_refresh_rate()) {
    dns.refresh_rate = Milliseconds(cluster.dns_refresh_rate());
    deprecated("dns_refresh_rate");
  }
  if (cluster.has_dns_jitter()) {
    dns.jitter = Milliseconds(cluster.dns_jitter());
    deprecated("dns_jitter");
  }
  if (cluster.respect_dns_ttl()) {
    dns.respect_ttl = true;
    deprecated("respect_dns_ttl");
  }
#pragma clang diagnostic pop
  if (!cluster.has_typed_dns_resolver_config()) return;
  const ConfigPath at = path.Field("typed_dns_resolver_config").Field("typed_config");
  absl::StatusOr<CaresDnsResolverConfig> resolver =
      Unpack<CaresDnsResolverConfig>(cluster.typed_dns_resolver_config().typed_config(), at);
  if (!resolver.ok()) return diagnostics.AddStatus(resolver.status());
  ReadResolver(*resolver, at, dns.resolver, diagnostics);
}

}  // namespace narthex::cluster_config
