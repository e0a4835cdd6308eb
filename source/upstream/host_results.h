#pragma once

#include "source/http/client_codec.h"
#include "source/upstream/cluster_runtime.h"

namespace narthex {

// Notes how requests of one worker ended: in the hosts' cells, as their last failure, and with outlier
// detection where the cluster has it. Loop-confined.
class HostResults {
 public:
  // Both outlive it.
  HostResults(ClusterRuntime& runtime, EventLoop& loop) : runtime_(runtime), loop_(loop) {}

  // A request was sent, and this came of it.
  void Note(Host& host, HostCells& cells, const ClientConnection::Result& result);
  // There was no connection to send it by.
  void NoConnection(Host& host, HostCells& cells, const ExchangeError& error);
  // There is one for bytes of any kind.
  void Connected(const WorkerHost& host);
  // The router gave up waiting.
  void Timeout(const WorkerHost& host);

 private:
  ClusterRuntime& runtime_;
  EventLoop& loop_;
};

}  // namespace narthex
