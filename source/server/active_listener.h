#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "source/event/event_loop.h"
#include "source/http/server_codec.h"
#include "source/manager/access_log.h"
#include "source/net/listener.h"
#include "source/server/listener_config.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster.h"

namespace narthex {

// What the workers share: counts that the main thread reads, and the limit on connections. Thread-safe.
struct WorkerShared {
  // A connection of a client is open, or was until now.
  void CountOpened();
  void CountEnded();
  // How many connections the listener of this name has, on all workers.
  std::shared_ptr<std::atomic<uint64_t>> ConnectionsOf(const std::string& listener);

  std::atomic<uint64_t> connections{0};
  std::atomic<uint64_t> max_connections{UINT64_MAX};  // of the process
  std::atomic<uint64_t> next_connection_id{1};
  std::atomic<bool> draining{false};
  // How long drained connections may live on, where nobody can tell their clients. Set before workers start.
  std::chrono::milliseconds drain_time{600'000};

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<std::atomic<uint64_t>>> by_listener_;  // guarded by mutex_
};

// The statistics of one address of a listener, "listener.<address>.".
struct ListenerStats {
  explicit ListenerStats(const std::string& prefix);
  Counter cx_total, cx_destroy, cx_overflow, global_cx_overflow, cx_idle_evicted, no_filter_chain_match;
  Counter pre_cx_timeout, listener_filter_error, listener_filter_remote_close,
      cx_transport_socket_connect_timeout;
  Gauge cx_active, pre_cx_active;
  Histogram cx_length_ms;
};

// What the connections of one address of a listener are counted by and logged in. Outlives them.
struct ListenerBooks {
  // A connection is served from now on; it has ended after `length_ms`.
  void CountOpened(WorkerShared& shared) const;
  void CountEnded(WorkerShared& shared, uint64_t length_ms) const;

  ListenerStats stats;
  std::shared_ptr<std::atomic<uint64_t>> open;  // connections of the listener, on all workers
  std::vector<std::shared_ptr<const AccessLog>> logs = {};
  bool drains_when_failing = true;  // see ListenerConfig
};

class Arrivals;
struct ArrivedConnection;
class ChainSlot;

// One worker's side of a listener: its acceptors, and its connections by filter chain. Loop-confined.
//
// A connection stays with the chain that it was accepted into. While the configuration has that chain
// (ChainIdentity), its requests are served as the configuration says now; else by the last that had it, and
// the connection is drained. It never sees another chain.
//
// A connection beyond a limit takes the place of one that has nothing to do, or else is closed: whoever
// opens connections and leaves them does not keep others out.
class ActiveListener {
 public:
  // `make_room` closes an idle connection of any listener of the worker; false when there is none.
  ActiveListener(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                 std::shared_ptr<const ListenerConfig> config,
                 std::vector<std::shared_ptr<ListenSocket>> sockets, std::function<bool()> make_room);
  ~ActiveListener();

  const ListenerConfig& config() const { return *config_; }
  bool SameSockets(const std::vector<std::shared_ptr<ListenSocket>>& sockets) const;
  // New connections and, on the old ones, new requests are served by `config` from now on; connections whose
  // filter chain is gone are drained.
  void Update(std::shared_ptr<const ListenerConfig> config);
  void StopListening();
  // Whether it takes new connections; it does until it is told not to.
  void SetAccepting(bool accepting);
  // The process is overloaded: see ServerConnection.
  void EndLate(const ReducedTimeouts& reduced);
  void Weigh(StreamAccounts& accounts);
  void Drain();
  // No configuration has it any more: stops listening, and drains its connections, also those that have
  // arrived and are not served yet.
  void Leave();
  // The process is not well: asks clients to go elsewhere, unless the configuration says not to.
  void SendAway();
  bool idle() const;
  // Closes a connection that has been idle for long; false when none was found.
  bool CloseIdle();

 private:
  void Open(size_t socket, int fd, const Address& peer);
  // Whether one more may be open, maybe in place of one that idles.
  bool HasRoom(const ListenerBooks& books);
  // Says in the log that there is no room, and why; false.
  bool IsFull(const std::string& why);
  void Serve(ArrivedConnection arrived);
  // REQUIRES: config_ has `chain`.
  ChainSlot& SlotOf(const FilterChainConfig& chain);
  // For what began in `chain` when there was one.
  ChainSlot& LeavingSlotOf(const FilterChainConfig& chain);
  void AddLeaving(std::string identity, std::unique_ptr<ChainSlot> slot);
  void EraseIdle();
  template <class Act>
  void ForEachSlot(Act act);

  EventLoop& loop_;
  WorkerShared& shared_;
  ClusterManager& clusters_;
  std::shared_ptr<const ListenerConfig> config_;
  std::vector<std::shared_ptr<ListenSocket>> sockets_;
  const std::function<bool()> make_room_;
  std::vector<ListenerBooks> books_;  // by socket
  bool full_ = false;                 // the last connection was one too many
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::map<std::string, std::unique_ptr<ChainSlot>> slots_;  // by the identity of a chain of config_
  // Of chains that are gone, or have got another terminal filter; the latest last.
  struct LeavingSlot {
    std::string identity;
    std::unique_ptr<ChainSlot> slot;
  };
  std::vector<LeavingSlot> leaving_;
  bool left_ = false;
  std::unique_ptr<Arrivals> arrivals_;
};

}  // namespace narthex
