#pragma once

#include <cstdint>

#include "source/server/snapshot.h"

namespace narthex {

// Takes as many file descriptors as the process may have.
void RaiseDescriptorLimit();

// How many connections of clients the process can afford: what the snapshot allows, and with the edge profile
// no more than leave descriptors for upstreams, listeners, logs and administration, however few there are.
uint64_t MaxConnections(const Snapshot& snapshot, uint32_t workers);

}  // namespace narthex
