#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/config/document.h"
#include "source/server/command_line.h"

namespace envoy::config::bootstrap::v3 {
class Bootstrap;
}
namespace envoy::config::listener::v3 {
class Listener;
}
namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace narthex {

// A message and where it was written.
template <class M>
struct Placed {
  std::shared_ptr<const M> message;
  ConfigPath path;
};

// The configuration as messages: the bootstrap, and the listeners and clusters of it and of the files that
// its dynamic_resources name. Immutable once loaded; the paths live as long as it.
struct ConfigFiles {
  std::shared_ptr<const envoy::config::bootstrap::v3::Bootstrap> bootstrap;
  ConfigPath root;
  std::vector<Placed<envoy::config::listener::v3::Listener>> listeners;
  std::vector<Placed<envoy::config::cluster::v3::Cluster>> clusters;
  // Whether each of these came from dynamic_resources is told by its index: static ones come first.
  size_t static_listeners = 0;
  size_t static_clusters = 0;
  std::vector<ConfigDocument> documents;
  std::vector<std::string> files;     // every file read: what a change of must reload
  bool tolerate_unsupported = false;  // as LoadOptions; for the files that the connection managers name
};

// Reads what the command line names. Everything wrong goes to `diagnostics`; null when nothing could be read,
// else what could be understood. Blocking.
std::shared_ptr<const ConfigFiles> LoadConfigFiles(const CommandLine& line, Diagnostics& diagnostics);

}  // namespace narthex
