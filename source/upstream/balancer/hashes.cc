#include "source/upstream/balancer/hashes.h"

#include <xxhash.h>

#include <bit>
#include <cstring>

namespace narthex {

static_assert(std::endian::native == std::endian::little, "MurmurHash64 reads words as they lie in memory");

uint64_t XxHash64(std::string_view text, uint64_t seed) {
  return XXH64(text.data(), text.size(), seed);
}

uint64_t MurmurHash64(std::string_view text) {
  constexpr uint64_t kSeed = 0xc70f6907;
  constexpr uint64_t kMultiply = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = kSeed ^ (text.size() * kMultiply);
  while (text.size() >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data(), sizeof(word));
    text.remove_prefix(sizeof(word));
    word *= kMultiply;
    word ^= word >> kShift;
    hash = (hash ^ (word * kMultiply)) * kMultiply;
  }
  if (!text.empty()) {
    uint64_t rest = 0;
    std::memcpy(&rest, text.data(), text.size());
    hash = (hash ^ rest) * kMultiply;
  }
  hash = (hash ^ (hash >> kShift)) * kMultiply;
  return hash ^ (hash >> kShift);
}

}  // namespace narthex
