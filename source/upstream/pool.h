#pragma once

#include <coroutine>
#include <memory>
#include <utility>
#include <vector>

#include "source/event/event_loop.h"
#include "source/http/exchange_error.h"
#include "source/upstream/host.h"
#include "source/upstream/pool_context.h"

namespace narthex {

class PooledConnection;

// A connection that one request holds, from the time it gets it until its exchange is handed over to the
// response's body. Destroying it gives an unused connection back and breaks off one whose request was being
// sent. Lives in the frame of the request's task and keeps the pool there; does not move. Loop-confined.
class Lease {
 public:
  explicit Lease(Pool& pool);
  Lease(const Lease&) = delete;
  ~Lease();

  // REQUIRES: Acquire has filled it.
  ClientConnection& connection() const;
  const Address& local_address() const;
  // From now on giving it up means breaking it off, where it serves no other requests.
  void StartRequest(Exchange& exchange);
  // The response has begun: the exchange now ends through the codec's OnIdle or OnBroken.
  void HandOver();
  // Gives up what is held; another connection may be acquired afterwards.
  void Reset();

 private:
  friend class Pool;
  friend class PooledConnection;
  Pool& pool_;
  PooledConnection* held_ = nullptr;
  Lease* previous_ = nullptr;  // on the same connection
  Lease* next_ = nullptr;
  Priority priority_ = Priority::kDefault;
  bool sending_ = false;
  // A connection that was closed while its request was being sent: the codec's frames still refer to it.
  std::unique_ptr<PooledConnection> closed_;
};

// The connections of one worker to one host: those with room, last used first, and the requests that wait for
// one, first come first served. Both priorities share the connections; each is bounded by its own breakers.
// Loop-confined.
//
// An upstream that ends its connections before a request was made on them costs each request two of them: it
// then fails (UF when the connection was not usable to begin with, UC when it ended later).
//
// A waiting request is resumed from the loop, never from inside the exchange that freed its connection.
class Pool {
 public:
  // A pool must be empty, or its worker ended, when it is destroyed.
  Pool(PoolContext& context, WorkerHost host, PoolTraits traits = {});
  ~Pool();
  Pool(const Pool&) = delete;

  // The next in the queue, as an awaiter in the requesting frame. co_await gives null and fills the lease, or
  // gives the error: a breaker (UO), a failed connect (UF) or connections that end at once (UC). Does not
  // suspend when an idle connection is here.
  class Waiter {
   public:
    Waiter(Pool& pool, Lease& lease, Priority priority, bool fresh)
        : pool_(pool), lease_(lease), priority_(priority), fresh_(fresh) {}
    Waiter(const Waiter&) = delete;
    ~Waiter();
    bool await_ready() { return pool_.TakeAtOnce(*this); }
    void await_suspend(std::coroutine_handle<> awaiting);
    std::unique_ptr<ExchangeError> await_resume() { return std::move(error_); }

   private:
    friend class Pool;
    enum class State { kFresh, kQueued, kReady };
    Pool& pool_;
    Lease& lease_;
    const Priority priority_;
    const bool fresh_;
    State state_ = State::kFresh;
    bool lent_new_ = false;  // the connection that it was given had served nobody yet
    bool lost_one_ = false;  // a new connection of its own ended before it was used
    std::unique_ptr<ExchangeError> error_;
    std::coroutine_handle<> awaiting_;
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
  };
  // With `fresh`, idle connections are passed over: one is opened, or one that just did well is taken.
  Waiter Acquire(Lease& lease, Priority priority, bool fresh = false) {
    return Waiter(*this, lease, priority, fresh);
  }

  // Closes what is idle, and the rest as soon as it is; waiting requests are still served. on_drained is
  // told.
  void Drain();
  // Closes what is idle, and what is busy when it has ended; new connections are opened as needed.
  void RetireConnections();
  // Nothing is open and nobody waits.
  bool empty() const { return connections_.empty() && leases_ == 0; }
  size_t connections() const { return connections_.size(); }
  Host& host() const { return *host_; }
  const PoolTraits& traits() const { return traits_; }
  HostCells& cells() const { return cells_; }
  // Closes the connection that has been idle for longest; false when none is.
  bool MakeRoom();

 private:
  friend class Lease;
  friend class PooledConnection;

  // A list of waiters in their order.
  struct Queue {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
    size_t size = 0;
    bool empty() const { return first == nullptr; }
    void PushBack(Waiter& waiter);
    void PushFront(Waiter& waiter);
    void Remove(Waiter& waiter);
  };
  enum class CloseSide { kLocal, kRemote };

  bool TakeAtOnce(Waiter& waiter);
  void CountQueued(const Waiter& waiter, int64_t change);
  void MakeReady(Waiter& waiter);
  void ResumeReady();
  void OpenConnections();
  bool HasRoomForOneMore();
  void OnConnected(PooledConnection& connection);
  void OnConnectFailed(PooledConnection& connection, const ExchangeError& error);
  void OnFree(PooledConnection& connection);
  void Lend(PooledConnection& connection, Waiter& waiter);
  void List(PooledConnection& connection);
  void Unlist(PooledConnection& connection);
  bool HasAnswer(Waiter& waiter);
  void Close(PooledConnection& connection, CloseSide side);
  std::unique_ptr<PooledConnection> Remove(PooledConnection& connection);
  void CheckDrained();
  std::unique_ptr<ExchangeError> Overflow(const char* breaker, const WorkerBreakers::Breaker& limits) const;

  PoolContext& context_;
  const std::shared_ptr<Host> host_;
  const PoolTraits traits_;
  HostCells& cells_;
  std::vector<std::unique_ptr<PooledConnection>> connections_;
  std::vector<PooledConnection*> available_;  // with room; the last is taken first
  Queue queue_, ready_;
  size_t expected_ = 0;  // how many requests the connections that are connecting will take
  size_t leases_ = 0;
  bool draining_ = false;
  bool resume_posted_ = false;
  bool opening_ = false;         // inside OpenConnections
  std::shared_ptr<Pool*> self_;  // for posted work: expired once this pool is gone
};

}  // namespace narthex
