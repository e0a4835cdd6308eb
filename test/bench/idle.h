// Connections that have each served a request and then stay open: what an idle connection costs a proxy in
// memory.
#pragma once

#include "test/bench/load_options.h"

namespace narthex {

// Opens options.connections connections, sends one request on each, some at a time, and checks the answers.
// Then prints one JSON line, keeps the connections open until standard input says something or ends, and
// prints a second line. Returns the number of failures: wrong answers, and connections that were closed
// meanwhile.
int HoldIdle(const LoadOptions& options);

}  // namespace narthex
