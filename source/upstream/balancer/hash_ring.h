#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace narthex {

// A host as a ring or a table places it: by `key`, which lives until that is made, and by its share of the
// load; the shares of all add up to 1.
struct HashedHost {
  std::string_view key;
  double share = 0;
};

enum class RingHashFunction : uint8_t { kXxHash, kMurmurHash2 };

struct RingOptions {
  RingHashFunction function = RingHashFunction::kXxHash;
  uint64_t min_size = 1024;
  uint64_t max_size = 8 * 1024 * 1024;
};

// Points of hosts on a ring, in proportion to their shares, where a hash finds the next one (ketama): when a
// host goes, only what it had moves. Envoy's points, so that both choose alike. Immutable, thread-safe.
class HashRing {
 public:
  HashRing() = default;
  HashRing(const std::vector<HashedHost>& hosts, const RingOptions& options);

  bool empty() const { return points_.empty(); }
  // The index of a host. REQUIRES: !empty(). Costs the logarithm of size().
  size_t Find(uint64_t hash) const;

  size_t size() const { return points_.size(); }
  // Points of the host that has the fewest and of the one that has the most.
  size_t min_points() const { return min_points_; }
  size_t max_points() const { return max_points_; }

 private:
  struct Point {
    uint64_t hash;
    uint32_t host;
  };
  std::vector<Point> points_;  // in the order of their hashes
  size_t min_points_ = 0, max_points_ = 0;
};

}  // namespace narthex
