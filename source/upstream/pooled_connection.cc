#include "source/upstream/pooled_connection.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "source/event/timeout.h"
#include "source/upstream/upstream_errors.h"

namespace narthex {

PooledConnection::PooledConnection(Pool& pool, Priority priority)
    : pool_(pool),
      priority_(priority),
      created_us_(pool.context_.loop.NowUs()),
      idle_timer_(pool.context_.loop.wheel(), &OnIdleTimeout, this),
      duration_timer_(pool.context_.loop.wheel(), &OnMaxDuration, this) {
  const PoolContext& context = pool.context_;
  context.breakers[static_cast<size_t>(priority)].connections.cell->Add();
  context.stats.cx_total.Add();
  if (pool.traits().protocol != UpstreamProtocol::kAlpn) {
    CountProtocol(pool.traits().protocol == UpstreamProtocol::kHttp2);
  }
  context.stats.cx_active.Add(1);
  HostCells::Add(pool.cells_.cx_total);
  HostCells::Add(pool.cells_.cx_active);
}

PooledConnection::~PooledConnection() = default;

Task<void> PooledConnection::Connect() {
  PoolContext& context = pool_.context_;
  const ConnectionSettings& settings = context.config.connection;
  if (!DescriptorBudget::Process().RoomForFirstUpstream()) {
    const std::string reason(kNoDescriptor);
    ConnectFailed(&reason);
    co_return;
  }
  std::optional<ConnectOutcome> result =
      co_await WithTimeout<ConnectOutcome>(context.loop,
                                           context.connector(context.loop,
                                                             {.address = pool_.host().address(),
                                                              .hostname = pool_.host().hostname(),
                                                              .settings = settings,
                                                              .protocol = pool_.traits().protocol,
                                                              .proxy_header = pool_.traits().proxy_header,
                                                              .server_name = pool_.traits().tls.server_name,
                                                              .verify_name = pool_.traits().tls.verify_name,
                                                              .sessions = context.sessions,
                                                              .http2 = context.runtime->http2_stats()},
                                                             *this),
                                           settings.connect_timeout);
  if (result.has_value() && result->ok()) {
    Connected(*std::move(*result));
  } else if (result.has_value()) {
    const std::string reason(result->status().message());
    ConnectFailed(&reason);
  } else {
    ConnectFailed(nullptr);
  }
}

void PooledConnection::Connected(ConnectedClient client) {
  const PoolContext& context = pool_.context_;
  connection_ = std::move(client.connection);
  local_ = client.local;
  connected_us_ = client.connected_us;
  handshaken_us_ = client.handshaken_us;
  multiplexes_ = connection_->multiplexes();
  if (pool_.traits().protocol == UpstreamProtocol::kAlpn) {
    CountProtocol(multiplexes_);
    if (!multiplexes_) pool_.context_.expected_streams = 1;
  }
  // Nobody would be told of its end any more: it must not count as open.
  if (ended_early_ || !connection_->usable()) {
    const std::string reason("closed by the upstream before its first request");
    return ConnectFailed(&reason);
  }
  context.stats.cx_connect_ms.Record((context.loop.NowUs() - created_us_) / 1000);
  const std::chrono::milliseconds longest = context.config.connection.max_duration;
  if (longest.count() > 0) duration_timer_.Arm(longest);
  pool_.OnConnected(*this);
}

// Null: it took too long.
void PooledConnection::ConnectFailed(const std::string* reason) {
  const PoolContext& context = pool_.context_;
  if (reason == nullptr) context.stats.cx_connect_timeout.Add();
  pool_.OnConnectFailed(*this, ConnectError(context.config, pool_.host(), reason));
}

void PooledConnection::CountProtocol(bool http2) {
  const ClusterStats& stats = pool_.context_.stats;
  (http2 ? stats.cx_http2_total : stats.cx_http1_total).Add();
}

void PooledConnection::OnIdle(ClientConnection&) {
  if (state_ != State::kOpen) return;
  if (multiplexes_) {
    pool_.context_.expected_streams = std::max(connection_->room() + connection_->active(), 1U);
    return pool_.OnFree(*this);
  }
  CountAllRequestsEnd();
  CountBytes();
  if (leases_ != nullptr) Unlink(*leases_);
  const uint32_t max_requests = pool_.context_.config.connection.max_requests;
  if (max_requests > 0 && connection_->requests_sent() >= max_requests) {
    pool_.context_.stats.cx_max_requests.Add();
    retired_ = true;
  }
  pool_.OnFree(*this);
}

void PooledConnection::OnExchangeEnd(ClientConnection&, Priority priority, ExchangeEnd end) {
  if (state_ != State::kOpen) return;
  const ClusterStats& stats = pool_.context_.stats;
  CountRequestEnd(priority);
  CountBytes();
  if (end == ExchangeEnd::kLost) stats.rq_rx_reset.Add();
  if (end == ExchangeEnd::kCalledOff) stats.rq_tx_reset.Add();
  // While it is usable, OnIdle follows.
  if (retired_ && !busy() && connection_->usable()) pool_.OnFree(*this);
}

void PooledConnection::OnGoingAway(ClientConnection&) {
  if (state_ != State::kOpen) return;
  Retire();
  if (!pool_.queue_.empty()) pool_.OpenConnections();
}

void PooledConnection::OnBroken(ClientConnection&) {
  // While connecting, the codec is not ours yet.
  if (state_ == State::kConnecting) ended_early_ = true;
  if (state_ != State::kOpen) return;
  pool_.Close(*this, connection_->usable() ? Pool::CloseSide::kLocal : Pool::CloseSide::kRemote);
}

void PooledConnection::Retire() {
  retired_ = true;
  pool_.Unlist(*this);
}

void PooledConnection::Link(Lease& lease) {
  lease.held_ = this;
  lease.sending_ = false;
  lease.previous_ = nullptr;
  lease.next_ = leases_;
  if (leases_ != nullptr) leases_->previous_ = &lease;
  leases_ = &lease;
  ++unsent_;
}

void PooledConnection::Unlink(Lease& lease) {
  (lease.previous_ == nullptr ? leases_ : lease.previous_->next_) = lease.next_;
  if (lease.next_ != nullptr) lease.next_->previous_ = lease.previous_;
  lease.held_ = nullptr;
  if (!lease.sending_) --unsent_;
}

void PooledConnection::OnIdleTimeout(void* self) {
  auto* connection = static_cast<PooledConnection*>(self);
  // The timer runs on while the connection is busy, and is armed again when it is not.
  if (connection->state_ != State::kOpen || connection->busy()) return;
  connection->pool_.context_.stats.cx_idle_timeout.Add();
  connection->pool_.Close(*connection, Pool::CloseSide::kLocal);
}

void PooledConnection::OnMaxDuration(void* self) {
  auto* connection = static_cast<PooledConnection*>(self);
  connection->pool_.context_.stats.cx_max_duration_reached.Add();
  connection->Retire();
  if (connection->state_ == State::kOpen && !connection->busy()) {
    connection->pool_.Close(*connection, Pool::CloseSide::kLocal);
  }
}

void PooledConnection::CountRequestStart(Priority priority) {
  const PoolContext& context = pool_.context_;
  ++requests_[static_cast<size_t>(priority)];
  context.breakers[static_cast<size_t>(priority)].requests.cell->Add();
  context.stats.rq_active.Add(1);
  HostCells::Add(pool_.cells_.rq_active);
}

void PooledConnection::CountRequestEnd(Priority priority) {
  const PoolContext& context = pool_.context_;
  --requests_[static_cast<size_t>(priority)];
  context.breakers[static_cast<size_t>(priority)].requests.cell->Sub();
  context.stats.rq_active.Sub(1);
  HostCells::Sub(pool_.cells_.rq_active);
}

void PooledConnection::CountAllRequestsEnd() {
  for (const Priority priority : {Priority::kDefault, Priority::kHigh}) {
    while (requests_[static_cast<size_t>(priority)] > 0) CountRequestEnd(priority);
  }
}

void PooledConnection::CountBytes() {
  const StreamBytes now = connection_->bytes();
  const ClusterStats& stats = pool_.context_.stats;
  stats.cx_rx_bytes_total.Add(now.received - counted_.received);
  stats.cx_tx_bytes_total.Add(now.sent - counted_.sent);
  counted_ = now;
}

void PooledConnection::CountClosed(bool remote) {
  const PoolContext& context = pool_.context_;
  const ClusterStats& stats = context.stats;
  context.breakers[static_cast<size_t>(priority_)].connections.cell->Sub();
  stats.cx_active.Sub(1);
  HostCells::Sub(pool_.cells_.cx_active);
  stats.cx_length_ms.Record((context.loop.NowUs() - created_us_) / 1000);
  stats.cx_destroy.Add();
  (remote ? stats.cx_destroy_remote : stats.cx_destroy_local).Add();
  if (connection_ != nullptr) {
    CountBytes();
    stats.rq_per_cx.Record(connection_->requests_sent());
  }
  if (!busy()) return;
  stats.cx_destroy_with_active_rq.Add();
  (remote ? stats.cx_destroy_remote_with_active_rq : stats.cx_destroy_local_with_active_rq).Add();
  // The others have been told of each request's end.
  if (!multiplexes_) (remote ? stats.rq_rx_reset : stats.rq_tx_reset).Add();
}

Lease::Lease(Pool& pool) : pool_(pool) {
  ++pool_.leases_;
}

Lease::~Lease() {
  Reset();
  --pool_.leases_;
  pool_.CheckDrained();
}

ClientConnection& Lease::connection() const {
  return *held_->connection_;
}

const Address& Lease::local_address() const {
  return held_->local_;
}

void Lease::StartRequest(Exchange& exchange) {
  exchange.upstream.priority = priority_;
  exchange.upstream.protocol = held_->connection_->protocol();
  exchange.times.upstream_connect = held_->created_us_;
  exchange.times.upstream_connected = held_->connected_us_;
  exchange.times.upstream_handshake = held_->handshaken_us_;
  pool_.context_.stats.rq_total.Add();
  HostCells::Add(pool_.cells_.rq_total);
  sending_ = true;
  --held_->unsent_;
}

void Lease::HandOver() {
  if (held_ != nullptr) held_->Unlink(*this);
  Reset();
}

void Lease::Reset() {
  if (closed_ != nullptr) pool_.context_.loop.DeleteLater(std::move(closed_));
  if (held_ == nullptr) return;
  PooledConnection& held = *held_;
  held.Unlink(*this);
  if (!sending_) {
    held.CountRequestEnd(priority_);
    pool_.OnFree(held);
  } else if (!held.multiplexes_) {
    pool_.Close(held, Pool::CloseSide::kLocal);
  }
}

}  // namespace narthex
