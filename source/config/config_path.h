#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "source/config/origin.h"
#include "source/config/origin_map.h"

namespace narthex {

// A place in a loaded configuration: a cheap cursor passed by value beside the message that it belongs to, so
// that every error of the code that compiles configuration says where its cause was written:
//
//   absl::Status CompileCluster(const Cluster& cluster, ConfigPath path) {
//     if (cluster.name().empty()) return path.Field("name").Error("must not be empty");
//     for (int i = 0; i < cluster.filters_size(); ++i) Compile(cluster.filters(i),
//     path.Field("filters").Index(i));
//   }
//
// A place that the configuration leaves out (a default) is fine: its origin is the closest one that is
// written. Reads an OriginMap that must outlive it (keep ConfigDocument::origins() with what you build); a
// default-made path stands for configuration without text, as in a test. Immutable; any thread.
class ConfigPath {
 public:
  ConfigPath() = default;
  explicit ConfigPath(const OriginMap& map) : map_(&map) {}

  // The field `name` (snake_case, as in the .proto). Through an Any it goes straight on into the message
  // inside.
  ConfigPath Field(std::string_view name) const;
  // The element `index` of the repeated field that this path names.
  ConfigPath Index(size_t index) const;
  // The entry `key` of the map field that this path names.
  ConfigPath Key(std::string_view key) const;

  // "static_resources.clusters[0].name"; "" for the root.
  std::string ToString() const;
  // Its position, and this path.
  narthex::Origin Origin() const;
  // Whether the configuration writes this place, rather than leaving it to a default.
  bool IsWritten() const { return map_ != nullptr && rest_.empty(); }

  // InvalidArgument with the text "gateway.yaml:41:9: static_resources.clusters[0]: message".
  // Diagnostics::AddStatus takes it apart again.
  absl::Status Error(std::string_view message) const;

 private:
  ConfigPath Beyond(std::string step) const;

  const OriginMap* map_ = nullptr;
  OriginMap::Id id_ = OriginMap::kRoot;  // the deepest place that is written
  std::string rest_;                     // what follows it, rarely anything: ".connect_timeout"
};

// The same as ConfigPath::Error for an origin that was kept without its map.
absl::Status ErrorAt(const Origin& origin, std::string_view message);
// The origin that `status` carries; false when it was not made by ErrorAt or ConfigPath::Error.
bool FindOrigin(const absl::Status& status, Origin& origin, std::string& message);

}  // namespace narthex
