#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "source/upstream/balancer_settings.h"
#include "source/upstream/host.h"

namespace narthex {

// Numbers that look random, one after the other, from one that is.
class RandomBits {
 public:
  explicit RandomBits(uint64_t seed) : state_(seed) {}
  uint64_t Next() {  // SplitMix64
    uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }
  // From 0 to `bound` - 1.
  size_t Below(size_t bound) { return static_cast<size_t>(((Next() >> 32) * bound) >> 32); }

 private:
  uint64_t state_;
};

// Takes one host after the other from a list, by what the policy says. Loop-confined; the hosts must live as
// long.
class HostPicker {
 public:
  virtual ~HostPicker() = default;
  // Allocates nothing. `now_us` is the loop's clock.
  virtual Host* Pick(RandomBits& random, uint64_t now_us) = 0;
};

// For a policy that does not go by hashes, and at least one host. A host in slow start has the weight that it
// has at `now_us`. `random` decides where turns start.
std::unique_ptr<HostPicker> MakeHostPicker(const BalancerSettings& settings, const std::vector<Host*>& hosts,
                                           uint64_t now_us, uint64_t random);

}  // namespace narthex
