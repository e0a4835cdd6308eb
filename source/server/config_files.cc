#include "source/server/config_files.h"

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/config/unpack.h"

namespace narthex {

namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::ConfigSource;
using envoy::config::listener::v3::Listener;
using envoy::service::discovery::v3::DiscoveryResponse;

// Loads one file of resources of type M, named by `source` at `path`.
template <class M>
void LoadResources(const ConfigSource& source, const ConfigPath& path, const LoadOptions& options,
                   ConfigFiles& files, std::vector<Placed<M>>& into, Diagnostics& diagnostics) {
  const ConfigPath source_path = path.Field("path_config_source");
  const std::string& name = source.path_config_source().path();
  if (name.empty()) {
    diagnostics.Error(source_path.Field("path"), "must name a file");
    return;
  }
  DiscoveryResponse response;
  ConfigDocument document;
  LoadFile(name, response, document, diagnostics, options);
  files.files.push_back(name);
  files.documents.push_back(document);
  const ConfigPath resources = document.Root().Field("resources");
  for (int i = 0; i < response.resources_size(); ++i) {
    absl::StatusOr<M> resource = Unpack<M>(response.resources(i), resources.Index(i));
    diagnostics.AddStatus(resource.status());
    if (resource.ok()) into.push_back({std::make_shared<M>(*std::move(resource)), resources.Index(i)});
  }
}

// A message inside the bootstrap, kept alive by it.
template <class M>
std::shared_ptr<const M> Inside(const std::shared_ptr<const Bootstrap>& bootstrap, const M& message) {
  return std::shared_ptr<const M>(bootstrap, &message);
}

void AddStatic(const std::shared_ptr<const Bootstrap>& bootstrap, ConfigFiles& files) {
  const auto& resources = bootstrap->static_resources();
  const ConfigPath path = files.root.Field("static_resources");
  const ConfigPath listeners = path.Field("listeners");
  for (int i = 0; i < resources.listeners_size(); ++i) {
    files.listeners.push_back({Inside(bootstrap, resources.listeners(i)), listeners.Index(i)});
  }
  const ConfigPath clusters = path.Field("clusters");
  for (int i = 0; i < resources.clusters_size(); ++i) {
    files.clusters.push_back({Inside(bootstrap, resources.clusters(i)), clusters.Index(i)});
  }
  files.static_listeners = files.listeners.size();
  files.static_clusters = files.clusters.size();
}

void AddDynamic(const LoadOptions& options, ConfigFiles& files, Diagnostics& diagnostics) {
  const auto& dynamic = files.bootstrap->dynamic_resources();
  const ConfigPath path = files.root.Field("dynamic_resources");
  if (dynamic.has_lds_config()) {
    LoadResources(dynamic.lds_config(), path.Field("lds_config"), options, files, files.listeners,
                  diagnostics);
  }
  if (dynamic.has_cds_config()) {
    LoadResources(dynamic.cds_config(), path.Field("cds_config"), options, files, files.clusters,
                  diagnostics);
  }
}

}  // namespace

std::shared_ptr<const ConfigFiles> LoadConfigFiles(const CommandLine& line, Diagnostics& diagnostics) {
  auto files = std::make_shared<ConfigFiles>();
  auto bootstrap = std::make_shared<Bootstrap>();
  ConfigDocument document;
  LoadOptions options;
  files->tolerate_unsupported = options.tolerate_unsupported = line.tolerate_unsupported;
  if (line.config_path.empty()) {
    LoadString("<--config-yaml>", line.config_yaml, *bootstrap, document, diagnostics, options);
  } else {
    LoadOptions with_overlay = options;
    with_overlay.overlay_yaml = line.config_yaml;
    LoadFile(line.config_path, *bootstrap, document, diagnostics, with_overlay);
    files->files.push_back(line.config_path);
  }
  files->bootstrap = bootstrap;
  files->documents.push_back(document);
  files->root = document.Root();
  AddStatic(bootstrap, *files);
  AddDynamic(options, *files, diagnostics);
  return files;
}

}  // namespace narthex
