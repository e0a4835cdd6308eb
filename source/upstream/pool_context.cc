#include "source/upstream/pool_context.h"

#include <algorithm>
#include <utility>

namespace narthex {

PoolContext::PoolContext(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connectors connectors)
    : loop(loop),
      runtime(std::move(runtime)),
      config(this->runtime->config()),
      stats(this->runtime->stats()),
      connector(std::move(connectors.http)),
      stream_connector(std::move(connectors.stream)),
      sessions(config.connection.tls == nullptr ? nullptr : std::make_shared<TlsSessionCache>()),
      expected_streams(std::max(config.connection.codec.http2.max_concurrent_streams, 1U)) {
  for (const Priority priority : {Priority::kDefault, Priority::kHigh}) {
    BreakerSums& sums = this->runtime->breakers(priority);
    const BreakerLimits& limits = config.limits(priority);
    breakers[static_cast<size_t>(priority)] = {
        {&sums.connections, &sums.connections.AddCell(), &limits.connections},
        {&sums.pending_requests, &sums.pending_requests.AddCell(), &limits.pending_requests},
        {&sums.requests, &sums.requests.AddCell(), &limits.requests},
        {&sums.retries, &sums.retries.AddCell(), &limits.retries}};
  }
}

}  // namespace narthex
