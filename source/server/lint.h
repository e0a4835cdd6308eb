#pragma once

#include "source/config/diagnostics.h"
#include "source/server/snapshot.h"

namespace narthex {

// What is legal and was probably not meant, as warnings: routes that an earlier one of the same virtual host
// takes everything from, clusters that nothing uses, timeouts that another one makes pointless, and settings
// less safe than the edge profile's.
void LintSnapshot(const Snapshot& snapshot, Diagnostics& diagnostics);

}  // namespace narthex
