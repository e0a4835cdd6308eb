#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "source/http/exchange.h"
#include "source/http/exchange_error.h"
#include "source/net/stream.h"

namespace narthex {

struct MetadataMatch;  // source/upstream/lb_metadata.h

// What a raw connection is to its cluster: for as long as it lives it counts towards the breaker of
// connections and in the statistics of cluster and host. Loop-confined; may outlive the worker's cluster.
class ConnectionToken {
 public:
  virtual ~ConnectionToken() = default;
  // The host has ended the connection, or it failed: it was not us.
  virtual void EndedByHost() = 0;
};

// A connection to a host of a cluster for bytes of any kind. It belongs to one user and to no pool;
// destroying it closes it. Loop-confined.
struct RawConnection {
  std::unique_ptr<ConnectionToken> token;  // ends after the stream
  std::unique_ptr<Stream> stream;
};

// What is asked of a cluster for one of them.
struct RawOptions {
  Priority priority = Priority::kDefault;
  uint64_t random = 0;  // for the balancer's choice
  // For balancers that go by a hash; a random one where there is none.
  std::optional<uint64_t> hash = {};
  // For clusters with subsets; null: asks for none. Outlives the task.
  const MetadataMatch* match = nullptr;
  // A host to pass over when there is another: where connecting has just failed. Empty: none.
  Address avoid = {};
  // Of the client for whom the connection speaks, outlives the task; null: for nobody.
  const ConnectionFacts* client = nullptr;
  // Of the request that it is for, whose host may be the name to ask for and to verify; outlives the task;
  // null: there is none.
  const HeaderMap* request = nullptr;
};

// UH, UO or UF, with the cause in words, in place of a connection.
using RawResult = std::variant<RawConnection, ExchangeError>;

}  // namespace narthex
