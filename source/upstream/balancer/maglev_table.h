#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "source/upstream/balancer/hash_ring.h"

namespace narthex {

// A table of hosts in proportion to their shares, where a hash is an index (Eisenbud and others, "Maglev",
// 2016, section 3.4): constant cost, and nearly only what a host had moves when it goes. Envoy's table, so
// that both choose alike. Immutable, thread-safe.
class MaglevTable {
 public:
  static constexpr uint64_t kDefaultSize = 65537;
  static constexpr uint64_t kMaxSize = 5000011;

  MaglevTable() = default;
  // REQUIRES: `size` is a prime number up to kMaxSize.
  MaglevTable(const std::vector<HashedHost>& hosts, uint64_t size);

  bool empty() const { return table_.empty(); }
  // The index of a host. REQUIRES: !empty().
  size_t Find(uint64_t hash) const { return table_[hash % table_.size()]; }

  // Entries of the host that has the fewest and of the one that has the most.
  size_t min_entries() const { return min_entries_; }
  size_t max_entries() const { return max_entries_; }

 private:
  std::vector<uint32_t> table_;
  size_t min_entries_ = 0, max_entries_ = 0;
};

bool IsPrime(uint64_t number);

}  // namespace narthex
