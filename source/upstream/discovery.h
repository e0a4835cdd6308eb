#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "source/event/event_loop.h"
#include "source/net/dns.h"
#include "source/upstream/cluster_set.h"

namespace narthex {

// Makes resolvers: the seam where tests put their own names.
using ResolverFactory = std::function<absl::StatusOr<std::unique_ptr<DnsResolver>>(
    EventLoop& loop, const DnsResolverOptions& options)>;

// Finds the hosts of the STRICT_DNS and LOGICAL_DNS clusters of the process, on the main loop, and publishes
// them to the workers. Each name is looked up at once and then again at its refresh rate (or TTL); a lookup
// that fails leaves its hosts as they are. Loop-confined; destroy it before the loop.
class Discovery {
 public:
  virtual ~Discovery() = default;
  // Looks after the clusters of `set` from now on. Those that it knows already go on without a break.
  virtual void Update(const ClusterSet& set) = 0;
};

std::unique_ptr<Discovery> MakeDiscovery(EventLoop& loop, ResolverFactory make_resolver = &MakeDnsResolver);

}  // namespace narthex
