#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace narthex {

// One key of session tickets (RFC 5077 section 4). Wiped when destroyed.
struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> mac;
  std::array<unsigned char, 32> cipher;

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();
};

// The keys that seal and open session tickets, shared by all workers. Thread-safe.
class TicketKeys {
 public:
  // The first seals, all open.
  using List = std::shared_ptr<const std::vector<TicketKey>>;
  // Monotonic.
  using Clock = std::function<std::chrono::seconds()>;
  static constexpr std::chrono::seconds kRotation = std::chrono::hours(4);
  // How many keys open tickets beside the one that seals them.
  static constexpr size_t kKept = 3;

  // Keys of the process's own, of which a new one seals every kRotation; null when the system has no random
  // bytes. A key older than (kKept + 1) rotations opens nothing.
  static std::shared_ptr<TicketKeys> MakeRotating(Clock clock = {});
  // Keys of 80 bytes each: name, MAC key, cipher key. The error names the index of the first wrong one.
  static absl::StatusOr<std::shared_ptr<TicketKeys>> MakeFixed(const std::vector<std::string>& keys,
                                                               size_t& wrong);
  // As they are now. Never null or empty; the newest key stays when no random bytes are to be had.
  List Current();

 private:
  TicketKeys(Clock clock, std::vector<TicketKey> keys);
  void Rotate(std::chrono::seconds now);

  const Clock clock_;  // empty: fixed keys
  std::mutex mutex_;
  List keys_;                     // guarded by mutex_
  std::chrono::seconds made_{0};  // the newest, guarded by mutex_
};

}  // namespace narthex
