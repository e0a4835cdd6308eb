// A closed loop of clients: each sends its next request as soon as the response to the last one is complete.
#pragma once

#include "test/bench/load_options.h"

namespace narthex {

// Runs the loop to its end. Bounded in time: warmup_seconds + seconds, also when nothing answers. A
// connection that failed is replaced; after 10,000 errors the run ends early.
LoadReport RunClosedLoop(const LoadOptions& options);

}  // namespace narthex
