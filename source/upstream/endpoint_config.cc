#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

using envoy::config::core::v3::SocketAddress;

ConfiguredHealth HealthOf(envoy::config::core::v3::HealthStatus status) {
  switch (status) {
    case envoy::config::core::v3::DRAINING:
      return ConfiguredHealth::kDraining;
    case envoy::config::core::v3::UNHEALTHY:
    case envoy::config::core::v3::TIMEOUT:
      return ConfiguredHealth::kUnhealthy;
    case envoy::config::core::v3::DEGRADED:
      return ConfiguredHealth::kDegraded;
    default:
      return ConfiguredHealth::kHealthy;
  }
}

void ReadSocketAddress(const SocketAddress& socket, const ConfigPath& path, DiscoveryType type,
                       EndpointConfig& endpoint, Diagnostics& diagnostics) {
  if (socket.protocol() != SocketAddress::TCP) {
    diagnostics.Error(path.Field("protocol"), "UDP endpoints are not supported");
  }
  endpoint.port = static_cast<uint16_t>(socket.port_value());
  if (endpoint.port == 0)
    diagnostics.Error(path.Field("port_value"), "an endpoint needs a port from 1 to 65535");
  absl::StatusOr<Address> address = Address::Ip(socket.address(), endpoint.port);
  if (address.ok()) {
    endpoint.address = *std::move(address);
  } else if (type != DiscoveryType::kStatic) {
    endpoint.dns_name = socket.address();
    if (endpoint.hostname.empty()) endpoint.hostname = socket.address();
  } else {
    diagnostics.Error(
        path.Field("address"),
        "\"" + socket.address() +
            "\" is not an IP address; a cluster with host names needs type STRICT_DNS or LOGICAL_DNS");
  }
}

void ReadAddress(const envoy::config::core::v3::Address& address, const ConfigPath& path, DiscoveryType type,
                 EndpointConfig& endpoint, Diagnostics& diagnostics) {
  if (address.has_socket_address()) {
    ReadSocketAddress(address.socket_address(), path.Field("socket_address"), type, endpoint, diagnostics);
    return;
  }
  if (!address.has_pipe()) return diagnostics.Error(path, "an endpoint needs a socket_address or a pipe");
  const ConfigPath pipe = path.Field("pipe");
  if (type != DiscoveryType::kStatic)
    return diagnostics.Error(pipe, "a DNS cluster can't have a pipe; use type STATIC");
  absl::StatusOr<Address> parsed = Address::Unix(address.pipe().path());
  if (!parsed.ok()) {
    return diagnostics.Error(pipe.Field("path"),
                             std::string(parsed.status().message().data(), parsed.status().message().size()));
  }
  endpoint.address = *std::move(parsed);
}

void ReadCheck(const envoy::config::endpoint::v3::Endpoint::HealthCheckConfig& source, const ConfigPath& path,
               EndpointCheck& check, Diagnostics& diagnostics) {
  check.port = static_cast<uint16_t>(source.port_value());
  check.hostname = source.hostname();
  check.disabled = source.disable_active_health_check();
  if (!source.has_address()) return;
  EndpointConfig other;
  ReadAddress(source.address(), path.Field("address"), DiscoveryType::kStatic, other, diagnostics);
  check.address = std::move(other.address);
}

}  // namespace

void ReadEndpoints(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                   Diagnostics& diagnostics) {
  const ConfigPath localities = path.Field("load_assignment").Field("endpoints");
  for (int i = 0; i < cluster.load_assignment().endpoints_size(); ++i) {
    const auto& locality = cluster.load_assignment().endpoints(i);
    const ConfigPath endpoints = localities.Index(i).Field("lb_endpoints");
    for (int j = 0; j < locality.lb_endpoints_size(); ++j) {
      const auto& source = locality.lb_endpoints(j);
      const ConfigPath at = endpoints.Index(j);
      EndpointConfig endpoint;
      endpoint.origin = at.Origin();
      endpoint.hostname = source.endpoint().hostname();
      endpoint.priority = locality.priority();
      endpoint.health = HealthOf(source.health_status());
      endpoint.locality = {locality.locality().region(), locality.locality().zone(),
                           locality.locality().sub_zone()};
      endpoint.locality_weight = locality.load_balancing_weight().value();
      endpoint.lb_metadata = ReadLbMetadata(source.metadata());
      endpoint.hash_key = FindLbText(source.metadata(), "hash_key");
      if (source.has_load_balancing_weight()) endpoint.weight = source.load_balancing_weight().value();
      ReadAddress(source.endpoint().address(), at.Field("endpoint").Field("address"), config.type, endpoint,
                  diagnostics);
      if (source.endpoint().has_health_check_config()) {
        ReadCheck(source.endpoint().health_check_config(), at.Field("endpoint").Field("health_check_config"),
                  endpoint.check, diagnostics);
      }
      config.endpoints.push_back(std::move(endpoint));
    }
  }
  if (config.type == DiscoveryType::kLogicalDns && config.endpoints.size() != 1) {
    diagnostics.Error(localities, "a LOGICAL_DNS cluster needs exactly one endpoint, not " +
                                      std::to_string(config.endpoints.size()) +
                                      "; use STRICT_DNS for several");
  }
}

}  // namespace narthex::cluster_config
