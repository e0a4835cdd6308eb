#include "source/upstream/pooled_connection.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "source/event/timeout.h"

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
  context.stats.cx_http1_total.Add();
  context.stats.cx_active.Add(1);
  HostCells::Add(pool.cells_.cx_total);
  HostCells::Add(pool.cells_.cx_active);
}

PooledConnection::~PooledConnection() = default;

Task<void> PooledConnection::Connect() {
  PoolContext& context = pool_.context_;
  const ConnectionSettings& settings = context.config.connection;
  std::optional<ConnectOutcome> result = co_await WithTimeout<ConnectOutcome>(
      context.loop,
      context.connector(context.loop,
                        {pool_.host().address(), pool_.host().hostname(), settings, context.sessions}, *this),
      settings.connect_timeout);
  if (result.has_value() && result->ok()) {
    connection_ = std::move((*result)->connection);
    local_ = (*result)->local;
    context.stats.cx_connect_ms.Record((context.loop.NowUs() - created_us_) / 1000);
    if (settings.max_duration.count() > 0) duration_timer_.Arm(settings.max_duration);
    pool_.OnConnected(*this);
    co_return;
  }
  ExchangeError error;
  error.flag = ResponseFlag::kUpstreamConnectionFailure;
  error.retryable = true;
  if (!result.has_value()) {
    context.stats.cx_connect_timeout.Add();
    error.detail = "upstream_reset_before_response_started{connection_timeout}";
    error.cause = "connect to " + pool_.host().address_text() + " not done within connect_timeout, " +
                  std::to_string(settings.connect_timeout.count()) + " ms";
  } else {
    std::string reason(result->status().message().data(), result->status().message().size());
    error.cause = "connect to " + pool_.host().address_text() + ": " + reason;
    std::replace(reason.begin(), reason.end(), ' ', '_');
    error.detail =
        "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_" + reason +
        "}";
  }
  pool_.OnConnectFailed(*this, error);
}

void PooledConnection::OnIdle(ClientConnection&) {
  if (state_ != State::kBusy) return;
  const PoolContext& context = pool_.context_;
  CountRequestEnd();
  if (Lease* lease = std::exchange(lease_, nullptr)) lease->held_ = nullptr;
  const uint32_t max_requests = context.config.connection.max_requests;
  if (max_requests > 0 && connection_->requests_sent() >= max_requests) {
    context.stats.cx_max_requests.Add();
    retired_ = true;
  }
  state_ = State::kIdle;
  pool_.OnFree(*this);
}

void PooledConnection::OnBroken(ClientConnection&) {
  // While connecting, the codec is not ours yet: it turns out unusable once it is.
  if (state_ == State::kConnecting || state_ == State::kClosed) return;
  pool_.Close(*this, connection_->usable() ? Pool::CloseSide::kLocal : Pool::CloseSide::kRemote);
}

void PooledConnection::OnIdleTimeout(void* self) {
  auto* connection = static_cast<PooledConnection*>(self);
  // The timer runs on while the connection is busy, and is armed again when it is not.
  if (connection->state_ != State::kIdle) return;
  connection->pool_.context_.stats.cx_idle_timeout.Add();
  connection->pool_.Close(*connection, Pool::CloseSide::kLocal);
}

void PooledConnection::OnMaxDuration(void* self) {
  auto* connection = static_cast<PooledConnection*>(self);
  connection->pool_.context_.stats.cx_max_duration_reached.Add();
  connection->retired_ = true;
  if (connection->state_ == State::kIdle) connection->pool_.Close(*connection, Pool::CloseSide::kLocal);
}

void PooledConnection::CountRequestStart(Priority priority) {
  const PoolContext& context = pool_.context_;
  request_counted_ = true;
  request_priority_ = priority;
  context.breakers[static_cast<size_t>(priority)].requests.cell->Add();
  context.stats.rq_total.Add();
  context.stats.rq_active.Add(1);
  HostCells::Add(pool_.cells_.rq_total);
  HostCells::Add(pool_.cells_.rq_active);
}

void PooledConnection::CountRequestEnd() {
  if (!std::exchange(request_counted_, false)) return;
  const PoolContext& context = pool_.context_;
  context.breakers[static_cast<size_t>(request_priority_)].requests.cell->Sub();
  context.stats.rq_active.Sub(1);
  HostCells::Sub(pool_.cells_.rq_active);
}

void PooledConnection::CountClosed(bool busy, bool remote) {
  const PoolContext& context = pool_.context_;
  const ClusterStats& stats = context.stats;
  context.breakers[static_cast<size_t>(priority_)].connections.cell->Sub();
  stats.cx_active.Sub(1);
  HostCells::Sub(pool_.cells_.cx_active);
  stats.cx_length_ms.Record((context.loop.NowUs() - created_us_) / 1000);
  stats.cx_destroy.Add();
  (remote ? stats.cx_destroy_remote : stats.cx_destroy_local).Add();
  if (!busy) return;
  stats.cx_destroy_with_active_rq.Add();
  (remote ? stats.cx_destroy_remote_with_active_rq : stats.cx_destroy_local_with_active_rq).Add();
  (remote ? stats.rq_rx_reset : stats.rq_tx_reset).Add();
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

void Lease::HandOver() {
  if (held_ != nullptr) std::exchange(held_, nullptr)->lease_ = nullptr;
  sending_ = false;
  Reset();
}

void Lease::Reset() {
  if (closed_ != nullptr) pool_.context_.loop.DeleteLater(std::move(closed_));
  PooledConnection* held = std::exchange(held_, nullptr);
  const bool sending = std::exchange(sending_, false);
  if (held == nullptr) return;
  held->lease_ = nullptr;
  if (sending) return pool_.Close(*held, Pool::CloseSide::kLocal);
  held->CountRequestEnd();
  held->state_ = PooledConnection::State::kIdle;
  pool_.OnFree(*held);
}

}  // namespace narthex
