#pragma once

#include <vector>

#include "source/manager/hcm_config.h"
#include "source/router/compiled_route.h"

namespace narthex {

// What becomes of a request that asks for a tunnel (source/http/tunnel.h): the chain that it goes through,
// and what was written of that, for `explain`. Null where upgrade_configs does not allow it: the route's
// entry decides, then the connection manager's, and without one it is not allowed.
struct TunnelChain {
  const FilterChain* chain = nullptr;
  const std::vector<FilterNote>* notes = nullptr;

  // Owned by the configuration. REQUIRES: AsksForTunnel(request).
  static TunnelChain Of(const HcmConfig& config, const CompiledRoute& route, const HeaderMap& request);
};

}  // namespace narthex
