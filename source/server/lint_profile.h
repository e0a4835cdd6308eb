#pragma once

#include "source/config/diagnostics.h"
#include "source/server/snapshot.h"

namespace narthex {

// Warns of each setting that is less safe than what the edge profile would have set, where it was written; of
// those that the ENVOY profile leaves at Envoy's defaults in one line for each connection manager.
void LintProfile(const Snapshot& snapshot, Diagnostics& diagnostics);

}  // namespace narthex
