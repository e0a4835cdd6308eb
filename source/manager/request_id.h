#pragma once

#include "source/http/header_map.h"

namespace narthex {

// x-request-id (HttpConnectionManager). Immutable.
struct RequestIdPolicy {
  bool generate = true;
  bool preserve_external = false;
  bool always_in_response = false;
};

// Gives the request an id: a new random one (UUID version 4) when it has none, or when it came from outside
// (`edge`) and its own is not to be preserved.
void SetRequestId(const RequestIdPolicy& policy, bool edge, HeaderMap& headers);

}  // namespace narthex
