#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "source/event/event_loop.h"
#include "source/net/listener.h"
#include "source/overload/overload_watch.h"
#include "source/server/active_listener.h"
#include "source/server/snapshot.h"
#include "source/upstream/cluster.h"

namespace narthex {

// A listener as one worker gets it: the configuration and this worker's sockets, one for each address.
struct WorkerListener {
  std::shared_ptr<const ListenerConfig> config;
  std::vector<std::shared_ptr<ListenSocket>> sockets;
};

// What a worker runs from now on.
struct WorkerUpdate {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<WorkerListener> listeners;
};

// A thread that serves connections: its own loop, sockets, clusters and connections. Made, updated and
// destroyed by the main thread; everything else happens on its own.
class Worker {
 public:
  // Starts the thread. `first` is applied before anything else.
  Worker(uint32_t index, std::shared_ptr<WorkerShared> shared, WorkerUpdate first);
  // Ends the thread: connections that are left are closed.
  ~Worker();

  // Publishes a new snapshot. Listeners whose sockets are the same go on with their connections. `applied` is
  // called on the worker's thread as soon as it serves.
  void Apply(WorkerUpdate update, std::function<void()> applied);
  // Announces the end to every client: `Connection: close` on what is answered from now on; idle connections
  // are closed.
  void Drain();
  // Asks the clients of listeners that are to drain when the process is not well to go elsewhere.
  void SendAway();
  // Does what the overloaded process asks for, and what no longer, and calls `done` on the worker's thread.
  // `smallest_account` is OverloadConfig's.
  void Relieve(OverloadOrders orders, uint32_t smallest_account, std::function<void(size_t resets)> done);
  // Accepts no more; calls `stopped` on the worker's thread when that is so.
  void StopListening(std::function<void()> stopped);

 private:
  void Run(WorkerUpdate first);
  void ApplyOnLoop(WorkerUpdate update);
  bool CloseIdle();
  size_t RelieveOnLoop(const OverloadOrders& orders, uint32_t smallest_account);
  template <class Act>
  void ForEachListener(Act act);

  const uint32_t index_;
  const std::shared_ptr<WorkerShared> shared_;
  std::unique_ptr<EventLoop> loop_;
  // Below: touched by the worker's thread only.
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<ClusterManager> clusters_;
  bool accepting_ = true;
  std::vector<std::unique_ptr<ActiveListener>> listeners_;
  std::vector<std::unique_ptr<ActiveListener>> leaving_;  // their sockets are closed, connections remain
  std::thread thread_;
};

}  // namespace narthex
