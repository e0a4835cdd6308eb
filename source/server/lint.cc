#include "source/server/lint.h"

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_config.h"
#include "source/server/lint_routes.h"

namespace narthex {

namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::route::v3::RouteConfiguration;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

void LintRoutes(const RouteConfiguration& routes, const ConfigPath& path, Diagnostics& diagnostics) {
  for (int i = 0; i < routes.virtual_hosts_size(); ++i) {
    LintVirtualHost(routes.virtual_hosts(i), path.Field("virtual_hosts").Index(i), diagnostics);
  }
}

void LintChain(const FilterChain& chain, const ConfigPath& path, Diagnostics& diagnostics) {
  if (chain.filters().empty()) return;
  const int last = chain.filters_size() - 1;
  const ConfigPath config = path.Field("filters").Index(last).Field("typed_config");
  absl::StatusOr<HttpConnectionManager> hcm =
      Unpack<HttpConnectionManager>(chain.filters(last).typed_config(), config);
  if (hcm.ok() && hcm->has_route_config()) {
    LintRoutes(hcm->route_config(), config.Field("route_config"), diagnostics);
  }
}

// Routes that stand in a file of their own; the errors in it have been reported when it was compiled.
void LintRouteFile(const std::string& file, NamedClusters& named, Diagnostics& diagnostics) {
  envoy::service::discovery::v3::DiscoveryResponse response;
  ConfigDocument document;
  Diagnostics reported;
  if (!LoadFile(file, response, document, reported)) return;
  CollectClusters(response, named);
  for (int i = 0; i < response.resources_size(); ++i) {
    const ConfigPath path = document.Root().Field("resources").Index(i);
    absl::StatusOr<RouteConfiguration> routes = Unpack<RouteConfiguration>(response.resources(i), path);
    if (routes.ok()) LintRoutes(*routes, path, diagnostics);
  }
}

void LintProfile(const FilterChainConfig& chain, Diagnostics& diagnostics) {
  for (const Setting& setting : chain.hcm->settings) {
    if (!setting.below_edge) continue;
    Diagnostic diagnostic;
    diagnostic.origin = chain.origin;
    diagnostic.severity = Severity::kWarning;
    diagnostic.message = "less safe than the edge profile: " + setting.name + " is " + setting.value + "  [" +
                         setting.origin + "]";
    diagnostics.Add(std::move(diagnostic));
  }
}

void LintUnused(const Snapshot& snapshot, const NamedClusters& named, Diagnostics& diagnostics) {
  if (named.dynamic) return;
  for (const auto& placed : snapshot.files->clusters) {
    if (named.names.contains(placed.message->name())) continue;
    diagnostics.Warning(placed.path, "cluster \"" + placed.message->name() + "\" is used by nothing");
  }
}

}  // namespace

void LintSnapshot(const Snapshot& snapshot, Diagnostics& diagnostics) {
  NamedClusters named;
  for (const auto& placed : snapshot.files->listeners) {
    CollectClusters(*placed.message, named);
    for (int i = 0; i < placed.message->filter_chains_size(); ++i) {
      LintChain(placed.message->filter_chains(i), placed.path.Field("filter_chains").Index(i), diagnostics);
    }
    if (placed.message->has_default_filter_chain()) {
      LintChain(placed.message->default_filter_chain(), placed.path.Field("default_filter_chain"),
                diagnostics);
    }
  }
  for (const auto& listener : snapshot.listeners) {
    for (const FilterChainConfig* chain : listener->AllChains()) {
      for (const std::string& file : chain->hcm->watched_files) LintRouteFile(file, named, diagnostics);
      LintProfile(*chain, diagnostics);
    }
  }
  LintUnused(snapshot, named, diagnostics);
}

}  // namespace narthex
