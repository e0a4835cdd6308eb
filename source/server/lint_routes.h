#pragma once

#include <map>
#include <string>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/route_table.h"
#include "source/server/config_files.h"

namespace envoy::config::route::v3 {
class Route;
class RouteConfiguration;
}  // namespace envoy::config::route::v3

namespace narthex {

// The clusters of the configuration by name.
using ClusterIndex = std::map<std::string, Placed<envoy::config::cluster::v3::Cluster>, std::less<>>;

// What the lints of routes look at beside them. Lives only during LintSnapshot.
struct RouteLint {
  const RouteTable* table = nullptr;  // compiled from the routes; null when they are not in use
  const ClusterIndex& clusters;
  Diagnostics& diagnostics;
};

// Warns of what a route table says and cannot have been meant: routes that no request reaches, each with a
// request that shows it, domains that match nothing, virtual hosts without routes, and what LintRoute finds.
void LintRoutes(const envoy::config::route::v3::RouteConfiguration& routes, const ConfigPath& path,
                const RouteLint& lint);

// Warns of a route's own: clusters that do not exist, weights of zero, timeouts that never strike, rewrites
// that lose or double a slash.
void LintRoute(const envoy::config::route::v3::Route& route, const ConfigPath& path, const RouteLint& lint);

}  // namespace narthex
