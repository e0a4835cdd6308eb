#include <map>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/router/compile_matchers.h"
#include "source/server/compile_transport.h"
#include "source/server/snapshot_parts.h"
#include "source/upstream/cluster_config.h"

namespace narthex {

void CompileClusters(const ConfigFiles& files, const Snapshot* previous, Snapshot& snapshot,
                     Diagnostics& diagnostics) {
  ClusterDefaults defaults;
  if (snapshot.edge_profile) defaults.buffer_limit = kEdgeBufferLimit;
  const TransportContext transport{snapshot.files, snapshot.ticket_keys, diagnostics};
  defaults.transport = [&](const auto& socket, const ConfigPath& path, const std::string& stat_prefix) {
    return CompileUpstreamTransport(socket, path, stat_prefix, transport);
  };
  for (const auto& secret : files.bootstrap->static_resources().secrets()) {
    defaults.transport_inputs += secret.SerializeAsString();
  }
  defaults.runtime = [&](std::string_view key) { return snapshot.RuntimeNumber(std::string(key)); };
  std::vector<std::shared_ptr<const ClusterConfig>> configs;
  std::map<std::string, ConfigPath> names;
  for (const auto& placed : files.clusters) {
    const auto [first, inserted] = names.emplace(placed.message->name(), placed.path);
    if (!inserted) {
      diagnostics.Error(placed.path.Field("name"), "cluster \"" + placed.message->name() +
                                                       "\" is defined already at " +
                                                       first->second.Origin().Position());
      continue;
    }
    auto compiled = CompileCluster(*placed.message, placed.path, diagnostics, defaults);
    if (compiled != nullptr) configs.push_back(std::move(compiled));
  }
  snapshot.clusters = MakeClusterSet(configs, previous ? previous->clusters.get() : nullptr);
}

void CompileAdmin(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics) {
  const auto& bootstrap = *files.bootstrap;
  if (!bootstrap.has_admin() || !bootstrap.admin().has_address()) return;
  const ConfigPath path = files.root.Field("admin");
  AdminConfig admin;
  admin.address = CompileBindAddress(bootstrap.admin().address(), path.Field("address"), diagnostics);
  admin.origin = path.Field("address").Origin();
  const RuntimeLookup runtime = [&](std::string_view key) {
    return snapshot.RuntimeNumber(std::string(key));
  };
  for (int i = 0; i < bootstrap.admin().access_log_size(); ++i) {
    admin.access_logs.push_back(AccessLog::Compile(bootstrap.admin().access_log(i),
                                                   path.Field("access_log").Index(i), diagnostics, runtime));
  }
  const ConfigPath allow = path.Field("allow_paths");
  auto matchers = std::make_shared<std::vector<StringMatcher>>();
  for (int i = 0; i < bootstrap.admin().allow_paths_size(); ++i) {
    StringMatcher matcher;
    if (CompileStringMatcher(bootstrap.admin().allow_paths(i), allow.Index(i), diagnostics, matcher)) {
      matchers->push_back(std::move(matcher));
    }
  }
  if (!matchers->empty()) {
    admin.allowed = [matchers](std::string_view request) {
      for (const StringMatcher& matcher : *matchers) {
        if (matcher.Matches(request)) return true;
      }
      return false;
    };
  }
  snapshot.admin = std::move(admin);
}

}  // namespace narthex
