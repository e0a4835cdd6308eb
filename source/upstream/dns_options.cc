#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "source/config/unpack.h"
#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

using envoy::config::core::v3::TypedExtensionConfig;
using envoy::extensions::clusters::dns::v3::DnsCluster;
using envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;

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

// `extension` may be empty.
void ReadResolver(const TypedExtensionConfig& extension, const ConfigPath& path, DnsResolverOptions& options,
                  Diagnostics& diagnostics) {
  if (extension.name().empty() && !extension.has_typed_config()) return;
  const ConfigPath at = path.Field("typed_config");
  absl::StatusOr<CaresDnsResolverConfig> resolver =
      Unpack<CaresDnsResolverConfig>(extension.typed_config(), at);
  if (!resolver.ok()) return diagnostics.AddStatus(resolver.status());
  ReadResolver(*resolver, at, options, diagnostics);
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

// The enum of DnsCluster is the cluster's own with one more value before it.
DnsFamily FamilyOf(envoy::extensions::clusters::common::dns::v3::DnsLookupFamily family) {
  const int value = static_cast<int>(family);
  return value == 0 ? DnsFamily::kAuto : FamilyOf(static_cast<ClusterMessage::DnsLookupFamily>(value - 1));
}

// Either message's RefreshRate.
template <class M>
void ReadFailureRate(const M& rate, const ConfigPath& path, DnsSettings& dns, Diagnostics& diagnostics) {
  DnsBackoff& backoff = dns.failure.emplace();
  backoff.base = ToMilliseconds(rate.base_interval());
  backoff.max = rate.has_max_interval() ? ToMilliseconds(rate.max_interval()) : 10 * backoff.base;
  if (backoff.max < backoff.base) {
    diagnostics.Error(path.Field("max_interval"), "must not be shorter than base_interval");
  }
}

void ReadDnsCluster(const DnsCluster& cluster, const ConfigPath& path, ClusterConfig& config,
                    Diagnostics& diagnostics) {
  DnsSettings& dns = config.dns;
  config.type =
      cluster.all_addresses_in_single_endpoint() ? DiscoveryType::kLogicalDns : DiscoveryType::kStrictDns;
  dns.family = FamilyOf(cluster.dns_lookup_family());
  if (cluster.has_dns_refresh_rate()) dns.refresh_rate = ToMilliseconds(cluster.dns_refresh_rate());
  if (cluster.has_dns_jitter()) dns.jitter = ToMilliseconds(cluster.dns_jitter());
  dns.respect_ttl = cluster.respect_dns_ttl();
  if (cluster.has_dns_failure_refresh_rate()) {
    ReadFailureRate(cluster.dns_failure_refresh_rate(), path.Field("dns_failure_refresh_rate"), dns,
                    diagnostics);
  }
  ReadResolver(cluster.typed_dns_resolver_config(), path.Field("typed_dns_resolver_config"), dns.resolver,
               diagnostics);
}

// A message of its own; there is one.
void ReadOwnType(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                 Diagnostics& diagnostics) {
  const ConfigPath at = path.Field("cluster_type").Field("typed_config");
  const google::protobuf::Any& any = cluster.cluster_type().typed_config();
  config.type = DiscoveryType::kStrictDns;
  if (!any.Is<DnsCluster>()) {
    return diagnostics.Error(at, "\"" + any.type_url() +
                                     "\" is no supported type of cluster; there is "
                                     "envoy.extensions.clusters.dns.v3.DnsCluster");
  }
  absl::StatusOr<DnsCluster> dns = Unpack<DnsCluster>(any, at);
  if (!dns.ok()) return diagnostics.AddStatus(dns.status());
  ReadDnsCluster(*dns, at, config, diagnostics);
}

// What the message of the cluster's type says itself.
void WarnOfUnused(const ClusterMessage& cluster, const ConfigPath& path, Diagnostics& diagnostics) {
  for (const char* field : {"dns_refresh_rate", "dns_failure_refresh_rate", "dns_jitter", "respect_dns_ttl",
                            "dns_lookup_family", "typed_dns_resolver_config"}) {
    const auto* descriptor = ClusterMessage::descriptor()->FindFieldByName(field);
    const auto& reflection = *cluster.GetReflection();
    if (!reflection.HasField(cluster, descriptor)) continue;
    diagnostics.Warning(path.Field(field), "is not used: cluster_type has a field of its own for it");
  }
}

}  // namespace

void ReadType(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
              Diagnostics& diagnostics) {
  if (cluster.has_cluster_type()) return ReadOwnType(cluster, path, config, diagnostics);
  switch (cluster.type()) {
    case ClusterMessage::STATIC:
      config.type = DiscoveryType::kStatic;
      return;
    case ClusterMessage::STRICT_DNS:
      config.type = DiscoveryType::kStrictDns;
      return;
    case ClusterMessage::LOGICAL_DNS:
      config.type = DiscoveryType::kLogicalDns;
      return;
    default:
      diagnostics.Error(path.Field("type"), ClusterMessage::DiscoveryType_Name(cluster.type()) +
                                                " is not supported; use STATIC, STRICT_DNS or LOGICAL_DNS");
  }
}

void ReadDns(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
             Diagnostics& diagnostics) {
  if (cluster.has_cluster_type()) return WarnOfUnused(cluster, path, diagnostics);
  DnsSettings& dns = config.dns;
  dns.family = FamilyOf(cluster.dns_lookup_family());
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
  if (cluster.has_dns_refresh_rate()) dns.refresh_rate = ToMilliseconds(cluster.dns_refresh_rate());
  if (cluster.has_dns_jitter()) dns.jitter = ToMilliseconds(cluster.dns_jitter());
  if (cluster.has_dns_failure_refresh_rate()) {
    ReadFailureRate(cluster.dns_failure_refresh_rate(), path.Field("dns_failure_refresh_rate"), dns,
                    diagnostics);
  }
  if (cluster.respect_dns_ttl()) dns.respect_ttl = true;
#pragma clang diagnostic pop
  ReadResolver(cluster.typed_dns_resolver_config(), path.Field("typed_dns_resolver_config"), dns.resolver,
               diagnostics);
}

}  // namespace narthex::cluster_config
