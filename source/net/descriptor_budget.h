#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace narthex {

// How many file descriptors the connections of clients and those to upstreams may take of what the process
// can have. Neither side can take them all, in whatever order they come: clients have up to three quarters,
// of which upstreams leave them two; upstreams have up to a half, of which clients leave them half. So busy
// clients still reach their upstreams, and an upstream that keeps its connections keeps no client out.
//
// Thread-safe. Two threads that ask at the same time may both be let in; what is kept aside for other files
// takes that.
class DescriptorBudget {
 public:
  // Of an upstream's connection, or of an attempt at one: counts as long as it lives.
  class UpstreamShare {
   public:
    explicit UpstreamShare(DescriptorBudget& budget) : budget_(budget) {
      budget_.upstreams_.fetch_add(1, std::memory_order_relaxed);
    }
    ~UpstreamShare() { budget_.upstreams_.fetch_sub(1, std::memory_order_relaxed); }
    UpstreamShare(const UpstreamShare&) = delete;

   private:
    DescriptorBudget& budget_;
  };

  // That of the process, without limit until one is set.
  static DescriptorBudget& Process();

  // `connections` of both kinds together; `spare` more may be the first connections to hosts, without which
  // their requests had nothing to wait for.
  void SetLimit(uint64_t connections, uint64_t spare);
  uint64_t most_clients() const { return limit() / 4 * 3; }

  void CountClient(int change) {
    clients_.fetch_add(static_cast<uint64_t>(change), std::memory_order_relaxed);
  }
  bool RoomForClient() const;
  bool RoomForUpstream() const { return Room(upstreams(), 0); }
  // Whether the first connection to a host, which has its share already, may be made.
  bool RoomForFirstUpstream() const { return Room(upstreams() - 1, spare_.load(std::memory_order_relaxed)); }
  // What is open, and what may be, in words.
  std::string Account() const;

 private:
  // For one more beside `upstreams`, with so many beyond the limits.
  bool Room(uint64_t upstreams, uint64_t spare) const;
  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  uint64_t clients() const { return clients_.load(std::memory_order_relaxed); }
  uint64_t upstreams() const { return upstreams_.load(std::memory_order_relaxed); }

  std::atomic<uint64_t> limit_{UINT64_MAX};
  std::atomic<uint64_t> spare_{0};
  std::atomic<uint64_t> clients_{0};
  std::atomic<uint64_t> upstreams_{0};
};

}  // namespace narthex
