#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "source/server/snapshot.h"

namespace narthex {

// The resources of a configuration, as Envoy's config dump arranges them.

struct DumpEntry {
  std::string name;
  std::shared_ptr<const google::protobuf::Message> message;
};

struct DumpList {
  const char* field;        // "static_clusters"
  const char* entry_type;   // "ClustersConfigDump.StaticCluster"
  const char* key;          // what an entry calls its message: "cluster"
  bool has_states = false;  // an entry has a name and an active_state
  std::vector<DumpEntry> entries = {};
};

struct DumpSection {
  const char* type;               // "ClustersConfigDump"
  std::array<DumpList, 2> lists;  // of the bootstrap, and of files
};

// Clusters, listeners and route configurations.
std::vector<DumpSection> DumpSections(const Snapshot& snapshot);

// Whether Envoy has a list of this name, which here is always empty.
bool IsEmptyResource(std::string_view field);

}  // namespace narthex
