#pragma once

#include <cstdint>
#include <string>

#include "source/http/exchange_error.h"
#include "source/upstream/cluster_runtime.h"

namespace narthex {

// Says why none of a cluster's hosts takes load: to each request, and now and then to the log. Loop-confined.
class NoHostReport {
 public:
  // Both outlive it.
  NoHostReport(const ClusterRuntime& runtime, EventLoop& loop) : runtime_(runtime), loop_(loop) {}

  // The error of one request that found none among `hosts`. `balancer` is what its balancer says of that, in
  // words, beside the health of the hosts; may be empty.
  ExchangeError Report(const HostSet& hosts, const std::string& balancer);

 private:
  std::string CauseOf(const HostSet& hosts, const std::string& balancer) const;
  void Log(const std::string& cause);

  const ClusterRuntime& runtime_;
  EventLoop& loop_;
  uint64_t logged_ms_ = 0;  // 0: never
  uint64_t requests_ = 0;   // since then
};

}  // namespace narthex
