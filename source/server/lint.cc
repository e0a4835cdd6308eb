#include "source/server/lint.h"

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_config.h"
#include "source/server/lint_clusters.h"
#include "source/server/lint_profile.h"
#include "source/server/lint_routes.h"

namespace narthex {

namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

struct LintWalk {
  ClusterIndex clusters;
  NamedClusters named;
  Diagnostics& diagnostics;
  bool tolerate_unsupported = false;

  RouteLint Routes(const RouteTable* table, const UpgradeRules& upgrades) const {
    return {table, clusters, upgrades, diagnostics};
  }
};

// Routes that stand in a file of their own, where one table is in use and others may stand beside it. The
// errors in the file have been reported when it was compiled.
void LintRouteFile(const std::string& file, const HcmConfig& hcm, LintWalk& walk) {
  const RouteTable& table = *hcm.routes;
  envoy::service::discovery::v3::DiscoveryResponse response;
  ConfigDocument document;
  Diagnostics reported;
  LoadOptions options;
  options.tolerate_unsupported = walk.tolerate_unsupported;
  if (!LoadFile(file, response, document, reported, options)) return;
  CollectClusters(response, walk.named);
  for (int i = 0; i < response.resources_size(); ++i) {
    const ConfigPath path = document.Root().Field("resources").Index(i);
    absl::StatusOr<RouteConfiguration> routes = Unpack<RouteConfiguration>(response.resources(i), path);
    if (!routes.ok()) continue;
    LintRoutes(*routes, path, walk.Routes(routes->name() == table.name() ? &table : nullptr, hcm.upgrades));
  }
}

void LintRequestTimeouts(const HttpConnectionManager& message, const ServerCodecOptions& options,
                         const ConfigPath& path, Diagnostics& diagnostics) {
  const auto none = std::chrono::milliseconds(0);
  if (!message.has_request_headers_timeout() || options.request_timeout == none) return;
  if (options.request_headers_timeout == none || options.request_headers_timeout < options.request_timeout)
    return;
  diagnostics.Warning(path.Field("request_headers_timeout"),
                      "never strikes: request_timeout is no longer and includes the headers");
}

void LintChain(const FilterChain& chain, const FilterChainConfig& compiled, const ConfigPath& path,
               LintWalk& walk) {
  const int last = chain.filters_size() - 1;
  const ConfigPath config = path.Field("filters").Index(last).Field("typed_config");
  absl::StatusOr<HttpConnectionManager> hcm =
      Unpack<HttpConnectionManager>(chain.filters(last).typed_config(), config);
  if (!hcm.ok()) return;
  if (hcm->has_route_config()) {
    LintRoutes(hcm->route_config(), config.Field("route_config"),
               walk.Routes(compiled.hcm->routes.get(), compiled.hcm->upgrades));
  }
  for (const std::string& file : compiled.hcm->watched_files) LintRouteFile(file, *compiled.hcm, walk);
  LintRequestTimeouts(*hcm, compiled.hcm->codec, config, walk.diagnostics);
}

void LintListener(const Placed<Listener>& placed, const ListenerConfig& compiled, LintWalk& walk) {
  CollectClusters(*placed.message, walk.named);
  for (int i = 0; i < placed.message->filter_chains_size(); ++i) {
    LintChain(placed.message->filter_chains(i), compiled.chains[static_cast<size_t>(i)],
              placed.path.Field("filter_chains").Index(i), walk);
  }
  if (compiled.default_chain) {
    LintChain(placed.message->default_filter_chain(), *compiled.default_chain,
              placed.path.Field("default_filter_chain"), walk);
  }
}

}  // namespace

void LintSnapshot(const Snapshot& snapshot, Diagnostics& diagnostics) {
  LintWalk walk{.clusters = {},
                .named = {},
                .diagnostics = diagnostics,
                .tolerate_unsupported = snapshot.files->tolerate_unsupported};
  for (const auto& placed : snapshot.files->clusters) walk.clusters.emplace(placed.message->name(), placed);
  // One compiled listener for each message, in the same order.
  for (size_t i = 0; i < snapshot.listeners.size(); ++i) {
    LintListener(snapshot.files->listeners[i], *snapshot.listeners[i], walk);
  }
  LintClusters(*snapshot.files, walk.named, diagnostics);
  LintProfile(snapshot, diagnostics);
}

}  // namespace narthex
