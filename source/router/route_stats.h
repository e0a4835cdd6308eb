#pragma once

#include <string>

#include "source/router/response_codes.h"
#include "source/stats/stats.h"

namespace narthex {

// vhost.<virtual host>.route.<stat_prefix>.upstream_rq_*: what came of the requests that a route with a
// stat_prefix sent to its cluster. Thread-safe; lives as long as the process.
struct RouteStats {
  // Those of this name, made when first asked for. At load.
  static const RouteStats& Of(const std::string& virtual_host, const std::string& stat_prefix);

  explicit RouteStats(const std::string& prefix);

  ResponseCodes codes;  // upstream_rq_completed, upstream_rq_2xx, upstream_rq_200...
  Counter total;        // upstream_rq_total: requests that got a connection
  Counter timeout;      // upstream_rq_timeout
};

}  // namespace narthex
