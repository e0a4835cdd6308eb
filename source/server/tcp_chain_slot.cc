#include "source/server/tcp_chain_slot.h"

#include <utility>

#include "source/server/connection_log.h"

namespace narthex {

TcpChainSlot::TcpChainSlot(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                           std::shared_ptr<const TcpProxyConfig> config)
    : loop_(loop),
      shared_(shared),
      clusters_(clusters),
      config_(std::move(config)),
      drain_timer_(loop.wheel(), &OnDrainTimeEnd, this) {}

TcpChainSlot::~TcpChainSlot() {
  while (!connections_.empty()) connections_.front()->session->End(TcpSession::Stop::kDrained);
}

bool TcpChainSlot::Update(const FilterChainConfig& chain) {
  if (chain.tcp == nullptr) return false;
  config_ = chain.tcp;
  return true;
}

void TcpChainSlot::Open(std::unique_ptr<Stream> stream, int fd, const ListenerBooks& books,
                        ConnectionFacts facts) {
  auto made = std::make_unique<Connection>(Connection{*this, books, fd, loop_.NowUs()});
  Connection& connection = *made;
  connection.position = connections_.insert(connections_.end(), std::move(made));
  books.CountOpened(shared_);
  connection.session = std::make_unique<TcpSession>(
      std::move(stream), std::move(facts),
      TcpSession::Context{loop_, clusters_, config_, &TcpChainSlot::OnEnd, &connection});
  if (leaving() || shared_.draining.load(std::memory_order_relaxed)) MarkDrained(connection);
  connection.session->Start();
}

void TcpChainSlot::OnEnd(void* connection) {
  auto& ended = *static_cast<Connection*>(connection);
  TcpChainSlot& slot = ended.slot;
  LogConnection(slot.loop_, ended.books, ended.session->facts(), {ended.fd, ended.opened_us});
  ended.books.CountEnded(slot.shared_, (slot.loop_.NowUs() - ended.opened_us) / 1000);
  std::unique_ptr<Connection> owned = std::move(*ended.position);
  slot.connections_.erase(ended.position);
  slot.loop_.DeleteLater(std::move(owned));
}

void TcpChainSlot::MarkDrained(Connection& connection) {
  connection.drained = true;
  // The time that runs is that of those who were drained first.
  if (!drain_timer_.armed()) drain_timer_.Arm(shared_.drain_time);
}

void TcpChainSlot::Drain() {
  for (const std::unique_ptr<Connection>& connection : connections_) MarkDrained(*connection);
}

void TcpChainSlot::OnDrainTimeEnd(void* self) {
  auto& slot = *static_cast<TcpChainSlot*>(self);
  for (auto next = slot.connections_.begin(); next != slot.connections_.end();) {
    Connection& connection = **next++;
    if (connection.drained) connection.session->End(TcpSession::Stop::kDrained);
  }
}

}  // namespace narthex
