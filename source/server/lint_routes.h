#pragma once

#include <map>
#include <string>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/route_table.h"
#include "source/router/upgrade_rules.h"
#include "source/server/config_files.h"

namespace envoy::config::route::v3 {
class Route;
class RouteConfiguration;
class VirtualHost;
}  // namespace envoy::config::route::v3

namespace narthex {

// The clusters of the configuration by name.
using ClusterIndex = std::map<std::string, Placed<envoy::config::cluster::v3::Cluster>, std::less<>>;

// What the lints of routes look at beside them. Lives only during LintSnapshot.
struct RouteLint {
  const RouteTable* table = nullptr;  // compiled from the routes; null when they are not in use
  const ClusterIndex& clusters;
  const UpgradeRules& upgrades;  // of the connection manager
  Diagnostics& diagnostics;
};

// Warns of what a route table says and cannot have been meant: routes that no request reaches, each with a
// request that shows it, domains that match nothing, virtual hosts without routes, and what LintRoute finds.
void LintRoutes(const envoy::config::route::v3::RouteConfiguration& routes, const ConfigPath& path,
                const RouteLint& lint);

// Warns of a route's own: clusters that do not exist, weights of zero, timeouts that never strike, rewrites
// that lose or double a slash.
void LintRoute(const envoy::config::route::v3::Route& route, const ConfigPath& path, const RouteLint& lint);

// Warns of a route's rewrites of paths that may leave no path.
void LintRewrites(const envoy::config::route::v3::Route& route, const ConfigPath& path,
                  Diagnostics& diagnostics);

// Warns of routes for CONNECT that answer every one with 403, and of what says something of CONNECT where
// none comes.
void LintConnect(const envoy::config::route::v3::Route& route, const ConfigPath& path, const RouteLint& lint);

// Warns of routes for CONNECT in a virtual host whose domains no CONNECT has.
void LintConnectHost(const envoy::config::route::v3::VirtualHost& host, bool ignore_port,
                     const ConfigPath& path, Diagnostics& diagnostics);

}  // namespace narthex
