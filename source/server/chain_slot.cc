#include "source/server/chain_slot.h"

#include "source/server/http_chain_slot.h"
#include "source/server/tcp_chain_slot.h"

namespace narthex {

std::unique_ptr<ChainSlot> MakeChainSlot(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                                         const FilterChainConfig& chain) {
  if (chain.tcp != nullptr) return std::make_unique<TcpChainSlot>(loop, shared, clusters, chain.tcp);
  return std::make_unique<HttpChainSlot>(loop, shared, clusters, chain.hcm);
}

}  // namespace narthex
