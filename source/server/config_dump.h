#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/server/snapshot.h"

namespace narthex {

// Which part of the configuration is asked for, with the parameters of Envoy's page; empty ones leave
// nothing out.
struct ConfigDumpQuery {
  std::string_view resource = {};    // one list only, such as "static_clusters"
  std::string_view mask = {};        // a FieldMask: of each entry with `resource`, of each section without
  std::string_view name_regex = {};  // entries whose whole name matches
};

// The configuration as Envoy's ConfigDump, in JSON, without secrets. NotFound: there is no such resource;
// InvalidArgument: the query makes no sense. Any thread.
absl::StatusOr<std::string> DumpConfig(const Snapshot& snapshot, const ConfigDumpQuery& query = {});

}  // namespace narthex
