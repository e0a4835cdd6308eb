#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/client_codec.h"
#include "source/http/message.h"
#include "source/upstream/errands.h"
#include "source/upstream/raw_connection.h"
#include "source/upstream/tried_priorities.h"

namespace narthex {

struct MetadataMatch;  // source/upstream/lb_metadata.h

// What the router asks of a cluster for one attempt.
struct AttemptOptions {
  Priority priority = Priority::kDefault;
  uint64_t random = 0;  // for the balancer's choice
  // For balancers that go by a hash; a random one where there is none.
  std::optional<uint64_t> hash = {};
  // For clusters with subsets; null: asks for none. Outlives the task.
  const MetadataMatch* match = nullptr;
  // auto_host_rewrite: sets :authority to the chosen host's hostname, and x-forwarded-host first when asked
  // for.
  bool auto_host_rewrite = false;
  bool append_x_forwarded_host = false;
  bool keep_original_host = false;  // in x-envoy-original-host
  // Hosts to pass over as long as the balancer, asked `host_tries` times, chooses others; outlives the task.
  const std::vector<Address>* avoid = nullptr;
  uint32_t host_tries = 1;
  // Priorities to stay away from while others have hosts, and where the cluster says which one it has chosen;
  // null: as the load is divided. Outlives the task.
  TriedPriorities* priorities = nullptr;
};

// One retry that is under way: it counts towards its cluster's breaker for as long as this lives.
// Loop-confined; may outlive the cluster.
class RetryToken {
 public:
  virtual ~RetryToken() = default;
};

// How many hosts a cluster has, by what is known of their health.
struct HostCounts {
  size_t total = 0;
  size_t healthy = 0;
  size_t degraded = 0;
};

// One worker's view of a cluster: its hosts, balancer, pools and limits. Loop-confined.
class Cluster {
 public:
  virtual ~Cluster() = default;
  virtual const std::string& name() const = 0;
  virtual HostCounts host_counts() const = 0;

  // One attempt: chooses a host, waits for a connection within connect_timeout and the circuit breakers,
  // sends the request and returns the response at its head. The response's body owns the connection until its
  // end. A request whose reused connection died before any response byte is replayed once when that is safe.
  // Fills request.info().upstream. Destroying the task cancels the attempt.
  virtual Task<ClientConnection::Result> Send(Request request, AttemptOptions options) = 0;

  // Before a retry: null when the breaker of retries is open.
  virtual std::unique_ptr<RetryToken> TakeRetry(Priority priority) = 0;

  // The router gave up waiting for an answer of the host that `facts` name. Says so to outlier detection.
  virtual void NoteTimeout(const UpstreamFacts& facts) {}

  // One connection of the caller's own, for bytes of any kind: chooses a host and connects to it, within
  // connect_timeout and the breaker of connections, with the cluster's TLS and PROXY header. Fills `facts`,
  // which outlive the task. The connection may outlive the cluster. Destroying the task cancels the attempt.
  virtual Task<RawResult> Connect(RawOptions options, UpstreamFacts& facts) = 0;
};

struct ClusterSet;

// One worker's clusters. Loop-confined.
class ClusterManager {
 public:
  virtual ~ClusterManager() = default;
  // Null when there is none of this name. Good until the caller suspends other than in the cluster's Send
  // or Connect: find it again for each attempt.
  virtual Cluster* Find(std::string_view name) = 0;
  // What is done with the clusters for no exchange.
  virtual Errands& errands() = 0;
  // Takes the clusters of the next snapshot (source/upstream/cluster_set.h).
  virtual void Update(std::shared_ptr<const ClusterSet> set) {}
};

}  // namespace narthex
