#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/http/exchange.h"
#include "source/http/header_map.h"
#include "source/manager/hcm_config.h"
#include "source/router/compiled_route.h"

namespace narthex {

// What a connection manager makes of a request head before its filters see it.
struct Admission {
  enum class Outcome {
    kRouted,
    kUnderscoreInHeader,  // 400
    kMissingPath,         // 404
    kNonRelativePath,     // 404
    kRefusedPath,         // 400
    kRedirectedPath,      // 307 to `location`
    kNoClientAddress,     // the status of the detection extension
    kNoRoute,             // 404, unless a filter answers
  };
  Outcome outcome = Outcome::kRouted;
  const CompiledRoute* route = nullptr;  // set for kRouted; owned by the configuration's table
  ClientAddress client;
  uint32_t dropped_headers = 0;  // with an underscore in their names
  std::string location;

  // The reply for any outcome but kRouted, with Envoy's response code detail.
  int status() const;
  std::string_view detail() const;
};

// Cleans `headers`, decides on the client's address and finds the route: the steps of every request, shared
// by the connection manager and `explain`. `exchange` is null for a request that isn't there; `random`
// decides weighted routes.
Admission Admit(const HcmConfig& config, const ConnectionFacts& connection, HeaderMap& headers,
                const Exchange* exchange, uint64_t random);

}  // namespace narthex
