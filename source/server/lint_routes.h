#pragma once

#include <set>
#include <string>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"

namespace envoy::config::route::v3 {
class RouteConfiguration;
class VirtualHost;
}  // namespace envoy::config::route::v3
namespace google::protobuf {
class Message;
}

namespace narthex {

// Warns of routes of a virtual host that no request can reach, each with a request that shows it, and of
// timeouts that never strike.
void LintVirtualHost(const envoy::config::route::v3::VirtualHost& host, const ConfigPath& path,
                     Diagnostics& diagnostics);

// The clusters that a message names anywhere, also inside what it carries as Any. `dynamic` is set when one
// is chosen by a request's header, so that none can be called unused.
struct NamedClusters {
  std::set<std::string, std::less<>> names;
  bool dynamic = false;
};
void CollectClusters(const google::protobuf::Message& message, NamedClusters& into);

}  // namespace narthex
