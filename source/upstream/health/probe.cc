#include "source/upstream/health/probe.h"

#include <type_traits>

namespace narthex {

std::unique_ptr<Probe> MakeProbe(const ProbeContext& context, const Host& host) {
  return std::visit(
      [&](const auto& check) -> std::unique_ptr<Probe> {
        using Check = std::decay_t<decltype(check)>;
        if constexpr (std::is_same_v<Check, HttpCheck>) return MakeHttpProbe(context, check, host);
        if constexpr (std::is_same_v<Check, TcpCheck>) return MakeTcpProbe(context, check, host);
        if constexpr (std::is_same_v<Check, GrpcCheck>) return MakeGrpcProbe(context, check, host);
      },
      context.settings.check);
}

Address CheckAddress(const HealthCheckSettings& settings, const Host& host) {
  const EndpointCheck& own = host.check();
  const Address& address = own.address.empty() ? host.address() : own.address;
  if (!address.is_ip()) return address;
  if (own.port != 0) return address.WithPort(own.port);
  const bool moved = settings.alt_port != 0 && own.address.empty();
  return moved ? address.WithPort(settings.alt_port) : address;
}

std::string CheckHostname(const Host& host, const std::string& configured, const ClusterConfig& config) {
  if (!host.check().hostname.empty()) return host.check().hostname;
  return configured.empty() ? config.name : configured;
}

bool HoldsInOrder(std::string_view bytes, const std::vector<std::string>& wanted) {
  for (const std::string& part : wanted) {
    const size_t at = bytes.find(part);
    if (at == std::string_view::npos) return false;
    bytes.remove_prefix(at + part.size());
  }
  return true;
}

}  // namespace narthex
