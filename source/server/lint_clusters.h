#pragma once

#include <set>
#include <string>

#include "source/config/diagnostics.h"
#include "source/server/config_files.h"

namespace google::protobuf {
class Message;
}

namespace narthex {

// The clusters that a message names anywhere, also inside what it carries as Any. `dynamic` is set when one
// is chosen by a request's header, so that none can be called unused.
struct NamedClusters {
  std::set<std::string, std::less<>> names;
  bool dynamic = false;
};
void CollectClusters(const google::protobuf::Message& message, NamedClusters& into);

// Warns of clusters that nothing uses, and of those that have no host.
void LintClusters(const ConfigFiles& files, const NamedClusters& named, Diagnostics& diagnostics);

}  // namespace narthex
