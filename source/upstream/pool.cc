#include "source/upstream/pool.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/upstream/pooled_connection.h"

namespace narthex {

PoolContext::PoolContext(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connector connector)
    : loop(loop),
      runtime(std::move(runtime)),
      config(this->runtime->config()),
      stats(this->runtime->stats()),
      connector(std::move(connector)),
      sessions(config.connection.tls == nullptr ? nullptr : std::make_shared<TlsSessionCache>()) {
  for (const Priority priority : {Priority::kDefault, Priority::kHigh}) {
    BreakerSums& sums = this->runtime->breakers(priority);
    const BreakerLimits& limits = config.limits(priority);
    breakers[static_cast<size_t>(priority)] = {
        {&sums.connections, &sums.connections.AddCell(), &limits.connections},
        {&sums.pending_requests, &sums.pending_requests.AddCell(), &limits.pending_requests},
        {&sums.requests, &sums.requests.AddCell(), &limits.requests}};
  }
}

void Pool::Queue::PushBack(Waiter& waiter) {
  waiter.previous_ = last;
  waiter.next_ = nullptr;
  (last != nullptr ? last->next_ : first) = &waiter;
  last = &waiter;
  ++size;
}

void Pool::Queue::PushFront(Waiter& waiter) {
  waiter.previous_ = nullptr;
  waiter.next_ = first;
  (first != nullptr ? first->previous_ : last) = &waiter;
  first = &waiter;
  ++size;
}

void Pool::Queue::Remove(Waiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : last) = waiter.previous_;
  --size;
}

Pool::Pool(PoolContext& context, std::shared_ptr<Host> host)
    : context_(context),
      host_(std::move(host)),
      cells_(host_->AddCells()),
      self_(std::make_shared<Pool*>(this)) {}

Pool::~Pool() {
  NARTHEX_DCHECK(queue_.empty() && ready_.empty());
  // The worker ends: what is still counted must not stay in the process's sums.
  while (!connections_.empty()) Close(*connections_.back(), CloseSide::kLocal);
}

Pool::Waiter::~Waiter() {
  if (state_ == State::kFresh) return;
  pool_.context_.stats.rq_cancelled.Add();
  if (state_ == State::kReady) {
    pool_.ready_.Remove(*this);
  } else {
    pool_.queue_.Remove(*this);
    pool_.CountQueued(*this, -1);
  }
}

void Pool::Waiter::await_suspend(std::coroutine_handle<> awaiting) {
  awaiting_ = awaiting;
  state_ = State::kQueued;
  pool_.queue_.PushBack(*this);
  pool_.CountQueued(*this, 1);
  pool_.context_.stats.rq_pending_total.Add();
  pool_.OpenConnections();
}

void Pool::CountQueued(const Waiter& waiter, int64_t change) {
  context_.breakers[static_cast<size_t>(waiter.priority_)].pending_requests.cell->Add(change);
  context_.stats.rq_pending_active.Add(change);
}

bool Pool::TakeAtOnce(Waiter& waiter) {
  const WorkerBreakers& breakers = context_.breakers[static_cast<size_t>(waiter.priority_)];
  if (breakers.requests.open()) {
    waiter.error_ = Overflow("max_requests", breakers.requests);
    return true;
  }
  while (!idle_.empty() && !waiter.fresh_) {
    PooledConnection& connection = *idle_.back();
    if (connection.connection_->usable()) {
      idle_.pop_back();
      Lend(connection, waiter);
      return true;
    }
    Close(connection, CloseSide::kRemote);
  }
  if (!breakers.pending_requests.open()) return false;
  waiter.error_ = Overflow("max_pending_requests", breakers.pending_requests);
  return true;
}

void Pool::Lend(PooledConnection& connection, Waiter& waiter) {
  connection.state_ = PooledConnection::State::kBusy;
  connection.lease_ = &waiter.lease_;
  waiter.lease_.held_ = &connection;
  waiter.lease_.sending_ = false;
  connection.CountRequestStart(waiter.priority_);
}

void Pool::MakeReady(Waiter& waiter) {
  queue_.Remove(waiter);
  CountQueued(waiter, -1);
  waiter.state_ = Waiter::State::kReady;
  ready_.PushBack(waiter);
  if (std::exchange(resume_posted_, true)) return;
  context_.loop.Post([self = std::weak_ptr<Pool*>(self_)] {
    if (const std::shared_ptr<Pool*> pool = self.lock()) (*pool)->ResumeReady();
  });
}

void Pool::ResumeReady() {
  resume_posted_ = false;
  while (!ready_.empty()) {
    Waiter& waiter = *ready_.first;
    ready_.Remove(waiter);
    PooledConnection* held = waiter.lease_.held_;
    if (held != nullptr && !held->connection_->usable()) {
      Close(*held, CloseSide::kRemote);
      held = nullptr;
    }
    if (held != nullptr || waiter.error_ != nullptr) {
      waiter.state_ = Waiter::State::kFresh;
      waiter.awaiting_.resume();
      continue;
    }
    // Its connection was closed before it could be used: first in the queue again.
    waiter.state_ = Waiter::State::kQueued;
    queue_.PushFront(waiter);
    CountQueued(waiter, 1);
    OpenConnections();
  }
}

void Pool::OpenConnections() {
  while (connecting_ < queue_.size) {
    const Priority priority = queue_.first->priority_;
    if (context_.breakers[static_cast<size_t>(priority)].connections.open()) {
      context_.stats.cx_overflow.Add();
      // Idle ones that a request passes over make room. And as in Envoy a pool without any connection opens
      // one all the same, or its requests might wait for ever for those of other hosts.
      if (!idle_.empty()) {
        Close(*idle_.front(), CloseSide::kLocal);
      } else if (!connections_.empty()) {
        return;
      }
    }
    auto& connection = connections_.emplace_back(std::make_unique<PooledConnection>(*this, priority));
    connection->index_ = connections_.size() - 1;
    ++connecting_;
    PooledConnection& opened = *connection;
    opened.connecting_ = opened.Connect();
    opened.connecting_.Start();
  }
}

void Pool::OnConnected(PooledConnection& connection) {
  --connecting_;
  connection.state_ = PooledConnection::State::kIdle;
  OnFree(connection);
}

void Pool::OnConnectFailed(PooledConnection& connection, const ExchangeError& error) {
  cells_.Add(cells_.cx_connect_fail);
  context_.stats.cx_connect_fail.Add();
  host_->NoteFailure(error.cause, context_.loop.WallNow());
  // Every failed attempt answers one request; the last hope's failure answers all.
  const bool others = connections_.size() > 1;
  while (!queue_.empty()) {
    Waiter& waiter = *queue_.first;
    waiter.error_ = std::make_unique<ExchangeError>(error);
    context_.stats.rq_pending_failure_eject.Add();
    MakeReady(waiter);
    if (others) break;
  }
  Close(connection, CloseSide::kRemote);
}

void Pool::OnFree(PooledConnection& connection) {
  if (!queue_.empty() && !connection.retired_) {
    Waiter& waiter = *queue_.first;
    Lend(connection, waiter);
    return MakeReady(waiter);
  }
  if (connection.retired_ || draining_) return Close(connection, CloseSide::kLocal);
  idle_.push_back(&connection);
  if (context_.config.connection.idle_timeout.count() > 0) {
    connection.idle_timer_.Arm(context_.config.connection.idle_timeout);
  }
}

void Pool::Close(PooledConnection& connection, CloseSide side) {
  using State = PooledConnection::State;
  const State state = std::exchange(connection.state_, State::kClosed);
  if (state == State::kClosed) return;
  if (state == State::kConnecting) --connecting_;
  if (state == State::kIdle) std::erase(idle_, &connection);
  connection.CountClosed(state == State::kBusy, side == CloseSide::kRemote);
  connection.CountRequestEnd();
  connection.idle_timer_.Cancel();
  connection.duration_timer_.Cancel();
  std::unique_ptr<PooledConnection> owned = Remove(connection);
  if (Lease* lease = std::exchange(connection.lease_, nullptr)) {
    lease->held_ = nullptr;
    if (lease->sending_) lease->closed_ = std::move(owned);
  }
  if (owned != nullptr) context_.loop.DeleteLater(std::move(owned));
  if (!queue_.empty()) OpenConnections();
  CheckDrained();
}

std::unique_ptr<PooledConnection> Pool::Remove(PooledConnection& connection) {
  std::unique_ptr<PooledConnection>& place = connections_[connection.index_];
  std::unique_ptr<PooledConnection> owned = std::move(place);
  if (&place != &connections_.back()) {
    place = std::move(connections_.back());
    place->index_ = connection.index_;
  }
  connections_.pop_back();
  return owned;
}

void Pool::Drain() {
  draining_ = true;
  while (!idle_.empty()) Close(*idle_.back(), CloseSide::kLocal);
  CheckDrained();
}

void Pool::RetireConnections() {
  while (!idle_.empty()) Close(*idle_.back(), CloseSide::kLocal);
  for (const std::unique_ptr<PooledConnection>& connection : connections_) connection->retired_ = true;
}

void Pool::CheckDrained() {
  if (draining_ && empty() && context_.on_drained) context_.on_drained();
}

std::unique_ptr<ExchangeError> Pool::Overflow(const char* breaker,
                                              const WorkerBreakers::Breaker& limits) const {
  context_.stats.rq_pending_overflow.Add();
  auto error = std::make_unique<ExchangeError>();
  error->flag = ResponseFlag::kUpstreamOverflow;
  error->detail = "upstream_reset_before_response_started{overflow}";
  error->retryable = true;
  error->cause = "cluster " + context_.config.name + ": circuit breaker " + breaker +
                 " is open: " + std::to_string(limits.sum->Read()) + " of " +
                 std::to_string(limits.limit->value);
  if (!limits.limit->origin.empty()) error->cause += ", set at " + limits.limit->origin;
  return error;
}

}  // namespace narthex
