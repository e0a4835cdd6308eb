#include "source/upstream/pool.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/net/descriptor_budget.h"
#include "source/upstream/pooled_connection.h"
#include "source/upstream/upstream_errors.h"

namespace narthex {

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

Pool::Pool(PoolContext& context, WorkerHost host, PoolTraits traits)
    : context_(context),
      host_(std::move(host.host)),
      traits_(std::move(traits)),
      cells_(*host.cells),
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
  while (!available_.empty() && !waiter.fresh_) {
    PooledConnection& connection = *available_.back();
    if (connection.HasRoom() && connection.connection_->usable()) {
      Lend(connection, waiter);
      return true;
    }
    if (connection.busy()) {
      Unlist(connection);
    } else {
      Close(connection, CloseSide::kRemote);
    }
  }
  if (!breakers.pending_requests.open()) return false;
  waiter.error_ = Overflow("max_pending_requests", breakers.pending_requests);
  return true;
}

void Pool::Lend(PooledConnection& connection, Waiter& waiter) {
  waiter.lease_.priority_ = waiter.priority_;
  waiter.lent_new_ = connection.connection_->requests_sent() == 0;
  connection.Link(waiter.lease_);
  connection.CountRequestStart(waiter.priority_);
  const uint32_t most = context_.config.connection.max_requests;
  // One that multiplexes is worn out with the last request that it takes, not when all of them have ended.
  if (most > 0 && connection.multiplexes_ &&
      connection.connection_->requests_sent() + connection.unsent_ >= most) {
    context_.stats.cx_max_requests.Add();
    connection.Retire();
  }
  if (!connection.HasRoom()) Unlist(connection);
}

void Pool::List(PooledConnection& connection) {
  if (!std::exchange(connection.listed_, true)) available_.push_back(&connection);
}

void Pool::Unlist(PooledConnection& connection) {
  if (!std::exchange(connection.listed_, false)) return;
  if (available_.back() == &connection) return available_.pop_back();
  std::erase(available_, &connection);
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
    if (HasAnswer(waiter)) {
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

// Whether the waiter has its answer: an error, or a connection that can still be used. One that has served
// others may end in between as often as there are such; of new ones the second is the waiter's last.
bool Pool::HasAnswer(Waiter& waiter) {
  if (waiter.error_ != nullptr) return true;
  PooledConnection* held = waiter.lease_.held_;
  if (held != nullptr && held->connection_->usable()) return true;
  if (held != nullptr) {
    held->Unlink(waiter.lease_);
    held->CountRequestEnd(waiter.priority_);
    if (!held->busy()) Close(*held, CloseSide::kRemote);
  }
  if (!std::exchange(waiter.lent_new_, false) || !std::exchange(waiter.lost_one_, true)) return false;
  waiter.error_ = std::make_unique<ExchangeError>(ClosedUnusedError(*host_));
  host_->NoteFailure(waiter.error_->cause, context_.loop.WallNow());
  return true;
}

// What it does may close connections, which asks for new ones: only the outermost call opens them, for it
// looks again at what is needed.
void Pool::OpenConnections() {
  if (std::exchange(opening_, true)) return;
  while (expected_ < queue_.size && HasRoomForOneMore()) {
    const Priority priority = queue_.first->priority_;
    auto& connection = connections_.emplace_back(std::make_unique<PooledConnection>(*this, priority));
    connection->index_ = connections_.size() - 1;
    PooledConnection& opened = *connection;
    if (traits_.protocol != UpstreamProtocol::kHttp1) opened.expected_ = context_.expected_streams;
    expected_ += opened.expected_;
    opened.connecting_ = opened.Connect();
    opened.connecting_.Start();
  }
  opening_ = false;
}

// Whether the first in the queue may have a connection, for which an idle one may have to go.
bool Pool::HasRoomForOneMore() {
  const bool affordable = DescriptorBudget::Process().RoomForUpstream();
  if (affordable && !context_.breakers_of(queue_.first->priority_).connections.open()) return true;
  context_.stats.cx_overflow.Add();
  // Idle ones that a request passes over make room, as do those that others can't have. And as in Envoy a
  // pool without any connection opens one all the same, or its requests might wait for ever for those of
  // other hosts.
  return MakeRoom() || (context_.make_room && context_.make_room()) || connections_.empty();
}

bool Pool::MakeRoom() {
  const auto idle = std::find_if(available_.begin(), available_.end(),
                                 [](const PooledConnection* connection) { return !connection->busy(); });
  if (idle == available_.end()) return false;
  Close(**idle, CloseSide::kLocal);
  return true;
}

void Pool::OnConnected(PooledConnection& connection) {
  expected_ -= connection.expected_;
  connection.state_ = PooledConnection::State::kOpen;
  OnFree(connection);
  // It may take fewer than it was expected to.
  if (!queue_.empty()) OpenConnections();
}

void Pool::OnConnectFailed(PooledConnection& connection, const ExchangeError& error) {
  cells_.Add(cells_.cx_connect_fail);
  context_.stats.cx_connect_fail.Add();
  host_->NoteFailure(error.cause, context_.loop.WallNow());
  // Every failed attempt answers those that it was made for, but not whom the others that are connecting will
  // take; the last hope's failure answers all.
  const bool others = connections_.size() > 1;
  const size_t taken_by_others = expected_ - connection.expected_;
  for (uint32_t answered = 0; queue_.size > taken_by_others; ++answered) {
    if (others && answered == connection.expected_) break;
    Waiter& waiter = *queue_.first;
    waiter.error_ = std::make_unique<ExchangeError>(error);
    context_.stats.rq_pending_failure_eject.Add();
    MakeReady(waiter);
  }
  Close(connection, CloseSide::kRemote);
}

// The connection may have room, or nothing to do.
void Pool::OnFree(PooledConnection& connection) {
  while (!queue_.empty() && connection.HasRoom()) {
    Waiter& waiter = *queue_.first;
    Lend(connection, waiter);
    MakeReady(waiter);
  }
  if (!connection.busy()) {
    if (connection.retired_ || draining_) return Close(connection, CloseSide::kLocal);
    if (context_.config.connection.idle_timeout.count() > 0) {
      connection.idle_timer_.Arm(context_.config.connection.idle_timeout);
    }
  }
  if (connection.HasRoom()) List(connection);
}

void Pool::Close(PooledConnection& connection, CloseSide side) {
  using State = PooledConnection::State;
  const State state = std::exchange(connection.state_, State::kClosed);
  if (state == State::kClosed) return;
  if (state == State::kConnecting) expected_ -= connection.expected_;
  Unlist(connection);
  connection.CountClosed(side == CloseSide::kRemote);
  connection.CountAllRequestsEnd();
  connection.idle_timer_.Cancel();
  connection.duration_timer_.Cancel();
  std::unique_ptr<PooledConnection> owned = Remove(connection);
  while (connection.leases_ != nullptr) {
    Lease& lease = *connection.leases_;
    connection.Unlink(lease);
    if (lease.sending_ && owned != nullptr) lease.closed_ = std::move(owned);
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
  while (MakeRoom()) {
  }
  CheckDrained();
}

void Pool::RetireConnections() {
  while (MakeRoom()) {
  }
  for (const std::unique_ptr<PooledConnection>& connection : connections_) connection->Retire();
}

void Pool::CheckDrained() {
  if ((draining_ || !traits_.for_all()) && empty() && context_.on_drained) context_.on_drained(*this);
}

std::unique_ptr<ExchangeError> Pool::Overflow(const char* breaker,
                                              const WorkerBreakers::Breaker& limits) const {
  context_.stats.rq_pending_overflow.Add();
  return OverflowError(context_.config, breaker, limits);
}

}  // namespace narthex
