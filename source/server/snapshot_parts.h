#pragma once

#include "source/server/snapshot.h"

namespace narthex {

// What one connection may keep in memory, by the edge profile.
inline constexpr uint32_t kEdgeBufferLimit = 32 * 1024;

// The steps of BuildSnapshot; each adds what is wrong to the diagnostics and fills in what it can.
void CompileAdmin(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics);
void CompileClusters(const ConfigFiles& files, const Snapshot* previous, Snapshot& snapshot,
                     Diagnostics& diagnostics);
// REQUIRES: clusters are compiled.
void CompileListeners(const ConfigFiles& files, const FilterRegistry& registry, Snapshot& snapshot,
                      Diagnostics& diagnostics);
// Which statistics are shown: bootstrap's stats_config.
void CompileStatsConfig(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics);
// No two sockets may bind the same address.
void CheckAddresses(const Snapshot& snapshot, Diagnostics& diagnostics);

}  // namespace narthex
