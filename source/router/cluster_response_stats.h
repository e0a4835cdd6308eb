#pragma once

#include <string>
#include <string_view>

#include "source/router/response_codes.h"
#include "source/stats/stats.h"

namespace narthex {

// cluster.<name>.upstream_rq_retry*: what the router tried again. Handles only.
struct RetryStats {
  // Of the cluster with this name in statistics.
  explicit RetryStats(const std::string& cluster);
  Counter retry, success, overflow, limit_exceeded, backoff_exponential, backoff_ratelimited, per_try_timeout,
      per_try_idle_timeout;
  // A retry was given up because of the request's body: it is too long to be kept, the worker keeps too much
  // already, or it was still on its way. The first counts all three, and mirrors given up for their bodies.
  Counter abandoned, body_too_long, bodies_too_many, body_in_transit;
};

// cluster.<name>.upstream_rq_{completed,2xx,200,timeout,...}: what a cluster answered, or the router in its
// place, by code. Thread-safe; lives as long as the process.
class ClusterResponseStats {
 public:
  // The one of the cluster with this name in statistics, made when first asked for. At load.
  static const ClusterResponseStats& Of(std::string_view cluster);
  // The same behind a cache of the thread: for clusters that exist and that a request header named.
  static const ClusterResponseStats& OfNamed(std::string_view cluster);

  explicit ClusterResponseStats(std::string_view cluster);
  // The cluster's name in statistics.
  const std::string& cluster() const { return cluster_; }
  // Counts a response. A code that the cluster never gave before makes its counter.
  void Count(int status) const { codes_.Count(status); }
  // upstream_rq_timeout.
  Counter timeouts() const { return timeout_; }
  const RetryStats& retries() const { return retries_; }
  // upstream_rq_time: from the end of the request to the end of the response, in milliseconds.
  Histogram time() const { return time_; }

 private:
  std::string cluster_;
  RetryStats retries_;
  ResponseCodes codes_;
  Counter timeout_;
  Histogram time_;
};

}  // namespace narthex
