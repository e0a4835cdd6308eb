#pragma once

#include "source/upstream/pool_context.h"
#include "source/upstream/raw_connection.h"

namespace narthex {

// Makes a raw connection to `host` within the cluster's connect_timeout, with its TLS and PROXY header,
// unless the breaker of connections is open. Fills in the host and the local address of `facts`. All
// references outlive the task. Loop-confined.
Task<RawResult> ConnectRaw(const PoolContext& context, WorkerHost host, RawOptions options,
                           UpstreamFacts& facts);

}  // namespace narthex
