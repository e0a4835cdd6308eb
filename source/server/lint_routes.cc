#include "source/server/lint_routes.h"

#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "source/server/route_takers.h"
#include "source/server/route_witness.h"

namespace narthex {

namespace {

using envoy::config::route::v3::RouteConfiguration;
using envoy::config::route::v3::RouteMatch;
using VirtualHostMessage = envoy::config::route::v3::VirtualHost;

// A path that requests never have.
void LintPath(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics) {
  if (text.empty()) return;
  if (text[0] != '/') {
    diagnostics.Warning(path, "no request matches: every path begins with \"/\"", "/" + text);
  } else if (const size_t mark = text.find_first_of("?#"); mark != std::string::npos) {
    diagnostics.Warning(path, std::string("no request matches: paths are compared without what follows \"") +
                                  text[mark] + "\"");
  }
}

// Routes are chosen before the first filter runs, and nothing before it sets metadata.
void LintMetadata(const RouteMatch& match, const ConfigPath& path, Diagnostics& diagnostics) {
  for (int i = 0; i < match.dynamic_metadata_size(); ++i) {
    const bool always = match.dynamic_metadata(i).invert();
    diagnostics.Warning(path.Field("dynamic_metadata").Index(i),
                        std::string(always ? "every request matches" : "no request matches") +
                            ": only filters set dynamic metadata, and they run after the route is chosen");
  }
}

void LintMatch(const RouteMatch& match, const ConfigPath& path, Diagnostics& diagnostics) {
  if (match.has_prefix()) LintPath(match.prefix(), path.Field("prefix"), diagnostics);
  if (match.has_path()) LintPath(match.path(), path.Field("path"), diagnostics);
  if (match.has_path_separated_prefix()) {
    LintPath(match.path_separated_prefix(), path.Field("path_separated_prefix"), diagnostics);
  }
  LintMetadata(match, path, diagnostics);
  const auto& share = match.runtime_fraction();
  if (match.has_runtime_fraction() && share.default_value().numerator() == 0 && share.runtime_key().empty()) {
    diagnostics.Warning(path.Field("runtime_fraction"), "no request matches: the share is 0");
  }
}

// One virtual host of a table.
struct PlacedHost {
  const VirtualHostMessage& host;
  int index;
  ConfigPath path;
};

void LintReach(const PlacedHost& placed, int route, int taker, const RouteLint& lint) {
  const ConfigPath routes = placed.path.Field("routes");
  std::string message = "no request reaches this route: the one at " +
                        routes.Index(taker).Origin().Position() + " takes them all";
  const auto witness = MakeWitness(placed.host, placed.host.routes(route).match());
  const bool shown =
      witness && (lint.table == nullptr || IsTakenBy(*lint.table, *witness, placed.index, taker));
  if (shown) message += ", such as " + witness->ToString();
  lint.diagnostics.Warning(routes.Index(route), message);
}

void LintVirtualHost(const PlacedHost& placed, const RouteLint& lint) {
  const ConfigPath routes = placed.path.Field("routes");
  RouteTakers takers;
  for (int i = 0; i < placed.host.routes_size(); ++i) {
    const RouteMatch& match = placed.host.routes(i).match();
    if (const int taker = takers.Find(match); taker >= 0) LintReach(placed, i, taker, lint);
    LintMatch(match, routes.Index(i).Field("match"), lint.diagnostics);
    LintRoute(placed.host.routes(i), routes.Index(i), lint);
    LintRewrites(placed.host.routes(i), routes.Index(i), lint.diagnostics);
    LintConnect(placed.host.routes(i), routes.Index(i), lint);
    takers.Add(match, i);
  }
  if (placed.host.routes().empty()) {
    lint.diagnostics.Warning(placed.path, "has no routes: each of its requests is answered with 404");
  }
}

bool HasPort(const std::string& domain) {
  const size_t colon = domain.rfind(':');
  return colon != std::string::npos && domain.find(']', colon) == std::string::npos;
}

void LintDomains(const VirtualHostMessage& host, const ConfigPath& path, Diagnostics& diagnostics) {
  for (int i = 0; i < host.domains_size(); ++i) {
    if (!HasPort(host.domains(i))) continue;
    diagnostics.Warning(path.Field("domains").Index(i),
                        "no request matches: ignore_port_in_host_matching takes the port from each host",
                        host.domains(i).substr(0, host.domains(i).rfind(':')));
  }
}

}  // namespace

void LintRoutes(const RouteConfiguration& routes, const ConfigPath& path, const RouteLint& lint) {
  const ConfigPath hosts = path.Field("virtual_hosts");
  for (int i = 0; i < routes.virtual_hosts_size(); ++i) {
    LintVirtualHost({routes.virtual_hosts(i), i, hosts.Index(i)}, lint);
    LintConnectHost(routes.virtual_hosts(i), routes.ignore_port_in_host_matching(), hosts.Index(i),
                    lint.diagnostics);
    if (routes.ignore_port_in_host_matching()) {
      LintDomains(routes.virtual_hosts(i), hosts.Index(i), lint.diagnostics);
    }
  }
}

}  // namespace narthex
