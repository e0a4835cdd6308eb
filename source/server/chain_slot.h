#pragma once

#include <memory>

#include "source/server/active_listener.h"

namespace narthex {

// The connections of one filter chain on one worker, with what serves them: the chain's terminal filter,
// which is the HTTP connection manager or the TCP proxy. Loop-confined.
class ChainSlot {
 public:
  virtual ~ChainSlot() = default;
  // What begins from now on is served by `chain`; false when its terminal filter is of another kind.
  virtual bool Update(const FilterChainConfig& chain) = 0;
  // `fd` is what `stream` owns. `books` outlive the connection.
  virtual void Open(std::unique_ptr<Stream> stream, int fd, const ListenerBooks& books,
                    ConnectionFacts facts) = 0;
  // Ends its connections in good order, and in time.
  virtual void Drain() = 0;
  // It is no chain's any more: drains its connections, and each that is opened from now on.
  void Leave() {
    leaving_ = true;
    Drain();
  }
  // Asks its clients, where they can be told, to go elsewhere. Ends nothing that is in progress, ever.
  virtual void SendAway() = 0;
  // Closes a connection that has nothing to do; false when none is known to have nothing.
  virtual bool CloseIdle() = 0;
  // The process is overloaded: see ServerConnection.
  virtual void EndLate(const ReducedTimeouts& reduced) = 0;
  virtual void Weigh(StreamAccounts& accounts) = 0;
  // It has no connections.
  virtual bool idle() const = 0;

 protected:
  bool leaving() const { return leaving_; }

 private:
  bool leaving_ = false;
};

// Of the kind that `chain` needs.
std::unique_ptr<ChainSlot> MakeChainSlot(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                                         const FilterChainConfig& chain);

}  // namespace narthex
