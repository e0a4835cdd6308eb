#pragma once

#include <cstdint>

#include "source/server/snapshot.h"

namespace narthex {

// Takes as many file descriptors as the process may have.
void RaiseDescriptorLimit();

// Shares the file descriptors between clients and upstreams (DescriptorBudget), with the edge profile so that
// some are left for listeners, logs and administration, however few there are. How many connections of
// clients there may be: what the snapshot allows, and what the process can afford.
uint64_t LimitConnections(const Snapshot& snapshot, uint32_t workers);

}  // namespace narthex
