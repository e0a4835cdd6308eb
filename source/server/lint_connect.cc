#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/base/ascii.h"
#include "source/server/lint_routes.h"

namespace narthex {

namespace {

using RouteMessage = envoy::config::route::v3::Route;
using VirtualHostMessage = envoy::config::route::v3::VirtualHost;

constexpr std::string_view kRefuses = "every request is answered with 403: ";

bool Allows(const RouteMessage& route, const UpgradeRules& general) {
  for (const auto& here : route.route().upgrade_configs()) {
    if (EqualsLower(here.upgrade_type(), "connect")) return !here.has_enabled() || here.enabled().value();
  }
  const UpgradeRule* const rule = general.Find("connect");
  return rule != nullptr && rule->enabled;
}

// Whether a host with a port may be of this domain: it ends in one, or in a wildcard.
bool TakesPorts(const std::string& domain) {
  const size_t colon = domain.rfind(':');
  const bool port = colon != std::string::npos && domain.find(']', colon) == std::string::npos;
  return port || domain.ends_with('*');
}

}  // namespace

void LintConnect(const RouteMessage& route, const ConfigPath& path, const RouteLint& lint) {
  const bool connect = route.match().has_connect_matcher();
  if (connect && !route.has_route()) {
    lint.diagnostics.Warning(path, std::string(kRefuses) + "a CONNECT can only go to a cluster");
  } else if (connect && !Allows(route, lint.upgrades)) {
    lint.diagnostics.Warning(
        path, std::string(kRefuses) +
                  "CONNECT is not among upgrade_configs, of the route or of the connection manager");
  }
  for (int i = 0; !connect && i < route.route().upgrade_configs_size(); ++i) {
    if (!EqualsLower(route.route().upgrade_configs(i).upgrade_type(), "connect")) continue;
    lint.diagnostics.Warning(path.Field("route").Field("upgrade_configs").Index(static_cast<size_t>(i)),
                             "is not used: only a route with connect_matcher takes CONNECT");
  }
}

void LintConnectHost(const VirtualHostMessage& host, bool ignore_port, const ConfigPath& path,
                     Diagnostics& diagnostics) {
  if (ignore_port || std::any_of(host.domains().begin(), host.domains().end(), TakesPorts)) return;
  for (int i = 0; i < host.routes_size(); ++i) {
    if (!host.routes(i).match().has_connect_matcher()) continue;
    diagnostics.Warning(path.Field("routes").Index(static_cast<size_t>(i)),
                        "no request reaches this route: the host of a CONNECT has a port, and no domain has "
                        "one; ignore_port_in_host_matching takes it away");
  }
}

}  // namespace narthex
