#include "source/server/dump_resources.h"

#include <algorithm>
#include <iterator>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_config.h"

namespace narthex {
namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::route::v3::RouteConfiguration;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

DumpSection Clusters(const ConfigFiles& files) {
  DumpSection section{"ClustersConfigDump",
                      {DumpList{"static_clusters", "ClustersConfigDump.StaticCluster", "cluster"},
                       DumpList{"dynamic_active_clusters", "ClustersConfigDump.DynamicCluster", "cluster"}}};
  for (size_t i = 0; i < files.clusters.size(); ++i) {
    const auto& cluster = files.clusters[i].message;
    section.lists[i < files.static_clusters ? 0 : 1].entries.push_back({cluster->name(), cluster});
  }
  return section;
}

DumpSection Listeners(const Snapshot& snapshot) {
  DumpSection section{
      "ListenersConfigDump",
      {DumpList{"static_listeners", "ListenersConfigDump.StaticListener", "listener"},
       DumpList{"dynamic_listeners", "ListenersConfigDump.DynamicListener", "listener", true}}};
  const ConfigFiles& files = *snapshot.files;
  for (size_t i = 0; i < files.listeners.size(); ++i) {
    section.lists[i < files.static_listeners ? 0 : 1].entries.push_back(
        {snapshot.listeners[i]->name, files.listeners[i].message});
  }
  return section;
}

void AddRoutesOf(const FilterChain& chain, DumpList& list) {
  if (chain.filters().empty()) return;
  const auto hcm =
      Unpack<HttpConnectionManager>(chain.filters(chain.filters_size() - 1).typed_config(), ConfigPath());
  if (!hcm.ok() || !hcm->has_route_config()) return;
  list.entries.push_back(
      {hcm->route_config().name(), std::make_shared<const RouteConfiguration>(hcm->route_config())});
}

// Tables of the connection managers: those within them, and those of files.
DumpSection Routes(const Snapshot& snapshot) {
  DumpSection section{
      "RoutesConfigDump",
      {DumpList{"static_route_configs", "RoutesConfigDump.StaticRouteConfig", "route_config"},
       DumpList{"dynamic_route_configs", "RoutesConfigDump.DynamicRouteConfig", "route_config"}}};
  for (const auto& placed : snapshot.files->listeners) {
    for (const FilterChain& chain : placed.message->filter_chains()) AddRoutesOf(chain, section.lists[0]);
    if (placed.message->has_default_filter_chain()) {
      AddRoutesOf(placed.message->default_filter_chain(), section.lists[0]);
    }
  }
  for (const auto& listener : snapshot.listeners) {
    for (const FilterChainConfig* chain : listener->AllChains()) {
      if (chain->hcm == nullptr) continue;
      const auto& rds = chain->hcm->rds;
      if (rds != nullptr) section.lists[1].entries.push_back({rds->name(), rds});
    }
  }
  return section;
}

}  // namespace

std::vector<DumpSection> DumpSections(const Snapshot& snapshot) {
  return {Clusters(*snapshot.files), Listeners(snapshot), Routes(snapshot)};
}

bool IsEmptyResource(std::string_view field) {
  constexpr std::string_view kEmpty[] = {
      "dynamic_warming_clusters", "inline_scoped_route_configs", "dynamic_scoped_route_configs",
      "static_secrets",           "dynamic_active_secrets",      "dynamic_warming_secrets",
  };
  return std::find(std::begin(kEmpty), std::end(kEmpty), field) != std::end(kEmpty);
}

}  // namespace narthex
