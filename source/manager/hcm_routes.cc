#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/config/document.h"
#include "source/config/suggest.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_parts.h"

namespace narthex {
namespace {

using envoy::config::route::v3::RouteConfiguration;
using envoy::service::discovery::v3::DiscoveryResponse;

// A table with the document that it was read from.
struct LoadedTable {
  RouteConfiguration config;
  ConfigPath path;
  std::shared_ptr<const OriginMap> origins;
};

// HeaderMap knows names in lower case only.
std::vector<std::string> InternalOnlyHeaders(const RouteConfiguration& config) {
  std::vector<std::string> names;
  for (const std::string& written : config.internal_only_headers()) {
    std::string& name = names.emplace_back(written);
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
  }
  return names;
}

void TakeFindings(const Diagnostics& from, Diagnostics& into) {
  for (const Diagnostic& finding : from.Sorted()) into.Add(finding);
}

// Finds the table called `name` among the resources.
bool FindTable(const DiscoveryResponse& response, const ConfigDocument& document, const std::string& name,
               ConfigPath name_path, LoadedTable& table, Diagnostics& diagnostics) {
  std::string nearest;
  size_t best = 1 + name.size() / 3;
  for (int i = 0; i < response.resources_size(); ++i) {
    ConfigPath path = document.Root().Field("resources").Index(static_cast<size_t>(i));
    absl::StatusOr<RouteConfiguration> resource = Unpack<RouteConfiguration>(response.resources(i), path);
    if (!resource.ok()) {
      diagnostics.AddStatus(resource.status());
      return false;
    }
    if (resource->name() == name) {
      table = {*std::move(resource), path, document.origins()};
      return true;
    }
    size_t distance = EditDistance(name, resource->name(), best);
    if (distance <= best) nearest = resource->name(), best = distance;
  }
  diagnostics.Error(name_path, "the file has no route configuration called \"" + name + "\"", nearest);
  return false;
}

// Reads the file as a DiscoveryResponse, or as a bare RouteConfiguration.
bool LoadTable(const std::string& file, const std::string& name, ConfigPath name_path,
               const LoadOptions& options, LoadedTable& table, Diagnostics& diagnostics) {
  DiscoveryResponse response;
  ConfigDocument document;
  Diagnostics of_response;
  if (LoadFile(file, response, document, of_response, options)) {
    TakeFindings(of_response, diagnostics);
    return FindTable(response, document, name, name_path, table, diagnostics);
  }
  Diagnostics of_table;
  ConfigDocument table_document;
  if (!LoadFile(file, table.config, table_document, of_table, options)) {
    // It is neither: report it as what it resembles more.
    TakeFindings(response.resources_size() > 0 ? of_response : of_table, diagnostics);
    return false;
  }
  TakeFindings(of_table, diagnostics);
  if (!table.config.name().empty() && !name.empty() && table.config.name() != name) {
    diagnostics.Error(name_path, "the file's route configuration is called \"" + table.config.name() + "\"",
                      table.config.name());
    return false;
  }
  table.path = table_document.Root();
  table.origins = table_document.origins();
  return true;
}

}  // namespace

void CompileRoutes(const HcmProto& config, ConfigPath path, ChainBuilder& chains, HcmCompileContext& context,
                   HcmConfig& hcm) {
  RouteCompileContext routes{
      context.diagnostics, chains,           context.has_cluster, true, context.profile == Profile::kEdge,
      context.runtime,     context.stat_name};
  if (!config.has_rds()) {
    if (!config.has_route_config()) return;  // the validator has said so
    hcm.headers.internal_only = InternalOnlyHeaders(config.route_config());
    hcm.routes = RouteTable::Compile(config.route_config(), path.Field("route_config"), routes);
    return;
  }
  ConfigPath rds = path.Field("rds");
  if (!config.rds().config_source().has_path_config_source()) {
    context.diagnostics.Error(rds.Field("config_source"), "needs a path_config_source");
    return;
  }
  const std::string& file = config.rds().config_source().path_config_source().path();
  hcm.watched_files.push_back(file);
  LoadedTable table;
  LoadOptions options;
  options.tolerate_unsupported = context.tolerate_unsupported;
  if (!LoadTable(file, config.rds().route_config_name(), rds.Field("route_config_name"), options, table,
                 context.diagnostics)) {
    return;
  }
  routes.validate_clusters_by_default = false;  // as in Envoy: the clusters may come later
  hcm.headers.internal_only = InternalOnlyHeaders(table.config);
  hcm.origins.push_back(table.origins);
  hcm.routes = RouteTable::Compile(table.config, table.path, routes);
  hcm.rds = std::make_shared<const RouteConfiguration>(std::move(table.config));
}

}  // namespace narthex
