#pragma once

#include "source/http/client_codec.h"
#include "source/upstream/cluster_runtime.h"

namespace narthex {

// Notes how requests of one worker ended: in the hosts' cells, as their last failure, as their latency where
// the balancer goes by it, and with outlier detection where the cluster has it. Times are microseconds of the
// loop's clock. Loop-confined.
class HostResults {
 public:
  // Both outlive it.
  HostResults(ClusterRuntime& runtime, EventLoop& loop) : runtime_(runtime), loop_(loop) {}

  // A request was sent at `sent_us`, and this came of it.
  void Note(Host& host, HostCells& cells, const ClientConnection::Result& result, uint64_t sent_us);
  // There was no connection to send it by, which was asked for at `since_us`.
  void NoConnection(Host& host, HostCells& cells, const ExchangeError& error, uint64_t since_us);
  // There is one for bytes of any kind.
  void Connected(const WorkerHost& host);
  // The router gave up waiting, which it had done since `since_us`.
  void Timeout(const WorkerHost& host, uint64_t since_us);

 private:
  void NoteLatency(HostCells& cells, uint64_t since_us, bool answered) const;

  ClusterRuntime& runtime_;
  EventLoop& loop_;
};

}  // namespace narthex
