#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "source/event/event_loop.h"
#include "source/upstream/cluster_runtime.h"
#include "source/upstream/connect_stream.h"
#include "source/upstream/connector.h"
#include "source/upstream/tls_names.h"

namespace narthex {

class Pool;

// One worker's part in the breakers of one priority.
struct WorkerBreakers {
  struct Breaker {
    SharedSum* sum = nullptr;
    SharedCell* cell = nullptr;
    const Limit* limit = nullptr;
    bool open() const { return sum->Reached(*cell, limit->value); }
  };
  Breaker connections, pending_requests, requests, retries;
};

// How clusters reach the network; tests put their own here.
struct Connectors {
  Connector http = MakeHttpConnector();
  StreamConnector stream = &ConnectStream;
};

// What the pools of a cluster on one worker share. Outlives them. Loop-confined.
struct PoolContext {
  PoolContext(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connectors connectors);
  const WorkerBreakers& breakers_of(Priority priority) const {
    return breakers[static_cast<size_t>(priority)];
  }

  EventLoop& loop;
  const std::shared_ptr<ClusterRuntime> runtime;
  const ClusterConfig& config;
  const ClusterStats& stats;
  const Connector connector;
  const StreamConnector stream_connector;
  const std::shared_ptr<TlsSessionCache> sessions;  // null without TLS
  std::array<WorkerBreakers, 2> breakers;           // by Priority
  // How many requests a new connection that multiplexes is expected to take: as many as the last one did.
  uint32_t expected_streams;
  // Called, from anywhere, when a pool that is not kept without connections (it drains, or not every request
  // may have them) has become empty.
  std::function<void(Pool& pool)> on_drained;
  // Closes an idle connection that only some requests may have; false when there is none.
  std::function<bool()> make_room;
};

// What the connections of a pool have in common, beside the host: requests of the same cluster and host may
// ask for different ones.
struct PoolTraits {
  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;
  TlsNames tls = {};
  // That they begin with (PROXY protocol): for whom they speak; empty for none.
  std::string proxy_header = {};

  // Any request may have them. Pools of others end with their last connection, for clients choose the names
  // and bring the addresses.
  bool for_all() const { return tls.server_name.empty() && tls.verify_name.empty() && proxy_header.empty(); }
  bool operator==(const PoolTraits&) const = default;
  template <class H>
  friend H AbslHashValue(H state, const PoolTraits& traits) {
    return H::combine(std::move(state), traits.protocol, traits.tls, traits.proxy_header);
  }
};

}  // namespace narthex
