#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "source/event/event_loop.h"
#include "source/net/descriptor_budget.h"
#include "source/upstream/pool.h"

namespace narthex {

// A connection of a pool, with its timers and what it counts towards. Loop-confined. Internal to the pool.
//
//   kConnecting -> kOpen         connected
//   any         -> kClosed       failed, timed out, worn out, drained; destroyed at the end of the loop's
//   turn,
//                                but not before a lease on it has ended
//
// While it is open, requests hold it through leases until their responses begin, and count until their
// exchanges have ended; HTTP/1 has one at a time.
class PooledConnection final : public ClientConnectionOwner {
 public:
  enum class State : uint8_t { kConnecting, kOpen, kClosed };

  PooledConnection(Pool& pool, Priority priority);
  ~PooledConnection() override;

  void OnIdle(ClientConnection& connection) override;
  void OnExchangeEnd(ClientConnection& connection, Priority priority, ExchangeEnd end) override;
  void OnGoingAway(ClientConnection& connection) override;
  void OnBroken(ClientConnection& connection) override;

 private:
  friend class Lease;
  friend class Pool;

  static void OnIdleTimeout(void* self);
  static void OnMaxDuration(void* self);
  Task<void> Connect();
  void Connected(ConnectedClient client);
  void ConnectFailed(const std::string* reason);
  void CountProtocol(bool http2);
  void CountRequestStart(Priority priority);
  void CountRequestEnd(Priority priority);
  void CountAllRequestsEnd();
  void CountClosed(bool remote);
  // Counts what has passed since it was last counted.
  void CountBytes();

  // Requests count towards it.
  bool busy() const { return requests_[0] + requests_[1] > 0; }
  // Another request may have it.
  bool HasRoom() const {
    if (state_ != State::kOpen || retired_) return false;
    return multiplexes_ ? connection_->room() > unsent_ : !busy();
  }
  // Takes no more requests.
  void Retire();
  void Link(Lease& lease);
  void Unlink(Lease& lease);

  Pool& pool_;
  const Priority priority_;  // whose connection breaker it counts towards
  State state_ = State::kConnecting;
  bool multiplexes_ = false;
  bool retired_ = false;                // closed as soon as it is not busy
  bool ended_early_ = false;            // while it was connecting
  bool listed_ = false;                 // among the pool's available ones
  uint32_t expected_ = 1;               // how many requests it will take at once, while it is connecting
  uint32_t unsent_ = 0;                 // leases that are not sending yet
  std::array<uint32_t, 2> requests_{};  // by Priority
  Lease* leases_ = nullptr;
  size_t index_ = 0;  // in the pool's connections
  uint64_t created_us_ = 0;
  uint64_t connected_us_ = 0, handshaken_us_ = 0;  // see ConnectedClient
  StreamBytes counted_;
  const DescriptorBudget::UpstreamShare share_{DescriptorBudget::Process()};
  std::unique_ptr<ClientConnection> connection_;
  Address local_;
  Timer idle_timer_, duration_timer_;
  Task<void> connecting_;
};

}  // namespace narthex
