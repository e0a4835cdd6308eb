#pragma once

#include "source/config/diagnostics.h"
#include "source/server/snapshot.h"

namespace narthex {

// What is legal and was probably not meant, as warnings where it was written: routes that no request reaches,
// clusters that do not exist, have no host or are used by nothing, timeouts that another one makes pointless,
// rewrites that garble a path, and settings less safe than the edge profile's. Blocking: reads the route
// files that the configuration names.
void LintSnapshot(const Snapshot& snapshot, Diagnostics& diagnostics);

}  // namespace narthex
