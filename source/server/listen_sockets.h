#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/net/listener.h"
#include "source/server/snapshot.h"
#include "source/server/worker.h"

namespace narthex {

// The listening sockets of one address of a listener: one for each worker, or one for all of them.
struct BoundAddress {
  std::string listener;
  SocketConfig config;
  std::vector<std::shared_ptr<ListenSocket>> sockets;  // by worker

  const Address& bound() const { return sockets[0]->address(); }
};

// All listening sockets of a snapshot, in the order of its listeners and their addresses. A value: the next
// set shares the sockets whose configuration is unchanged.
class ListenSockets {
 public:
  // The sockets of `snapshot`; those that `current` has already are taken over. What all workers share is
  // handed over to another listener of its address, too: nobody could bind that twice. The error of the first
  // address that cannot be served, with the listener's origin; nothing of `current` has changed then.
  static absl::StatusOr<ListenSockets> Bind(const Snapshot& snapshot, uint32_t workers,
                                            const ListenSockets& current);

  const std::vector<BoundAddress>& all() const { return bound_; }
  // The listeners with the sockets of one worker.
  std::vector<WorkerListener> ForWorker(const Snapshot& snapshot, uint32_t worker) const;

 private:
  const BoundAddress* Find(const std::string& listener, const SocketConfig& config) const;
  const BoundAddress* FindAddress(const Address& address) const;

  std::vector<BoundAddress> bound_;
};

}  // namespace narthex
