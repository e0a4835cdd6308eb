#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/overload/overload_config.h"
#include "source/server/snapshot_parts.h"

namespace narthex {

// A resource monitor's limit on connections stands in place of the runtime's, as in Envoy.
void CompileOverloadManager(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics) {
  const std::string key(kConnectionsKey);
  snapshot.max_connections = ConnectionLimit(snapshot, key, kEdgeConnections);
  snapshot.max_connections_name = key;
  if (!files.bootstrap->has_overload_manager()) return;
  const ConfigPath path = files.root.Field("overload_manager");
  snapshot.overload = CompileOverload(files.bootstrap->overload_manager(), path, diagnostics);
  if (snapshot.overload == nullptr || !snapshot.overload->max_connections) return;
  if (snapshot.RuntimeNumber(key)) {
    diagnostics.Warning(path.Field("resource_monitors"), snapshot.overload->max_connections_place +
                                                             " sets how many connections there may be, and " +
                                                             key +
                                                             " of the runtime has no effect; remove it");
  }
  snapshot.max_connections = *snapshot.overload->max_connections;
  snapshot.max_connections_name = snapshot.overload->max_connections_place;
}

}  // namespace narthex
