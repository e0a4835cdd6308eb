#pragma once

#include <list>
#include <memory>

#include "source/server/chain_slot.h"
#include "source/tcp_proxy/tcp_session.h"

namespace narthex {

// The connections of a filter chain with a TCP proxy. Nobody can tell them that the end is near: those that
// are drained live on until the drain time ends. One on which nothing moves may be in use all the same, so
// that none is closed for others.
class TcpChainSlot final : public ChainSlot {
 public:
  TcpChainSlot(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
               std::shared_ptr<const TcpProxyConfig> config);
  ~TcpChainSlot() override;

  bool Update(const FilterChainConfig& chain) override;
  void Open(std::unique_ptr<Stream> stream, int fd, const ListenerBooks& books,
            ConnectionFacts facts) override;
  void Drain() override;
  void SendAway() override {}
  bool CloseIdle() override { return false; }
  // Its connections have no streams, and timeouts of their own.
  void EndLate(const ReducedTimeouts&) override {}
  void Weigh(StreamAccounts&) override {}
  bool idle() const override { return connections_.empty(); }

 private:
  struct Connection {
    TcpChainSlot& slot;
    const ListenerBooks& books;
    const int fd;
    const uint64_t opened_us;
    bool drained = false;
    std::list<std::unique_ptr<Connection>>::iterator position = {};
    std::unique_ptr<TcpSession> session = {};
  };
  static void OnEnd(void* connection);
  static void OnDrainTimeEnd(void* self);
  void MarkDrained(Connection& connection);

  EventLoop& loop_;
  WorkerShared& shared_;
  ClusterManager& clusters_;
  std::shared_ptr<const TcpProxyConfig> config_;
  std::list<std::unique_ptr<Connection>> connections_;
  Timer drain_timer_;
};

}  // namespace narthex
