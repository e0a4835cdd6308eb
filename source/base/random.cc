#include "source/base/random.h"

#include <sys/random.h>

#include <bit>
#include <chrono>

namespace narthex {
namespace {

// xoshiro256** (Blackman and Vigna, 2018).
class Generator {
 public:
  Generator() {
    if (getrandom(state_, sizeof state_, 0) == static_cast<ssize_t>(sizeof state_)) return;
    // No entropy device at all: differ at least from thread to thread and from start to start.
    uint64_t seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
                    reinterpret_cast<uintptr_t>(this);
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      word = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    }
  }

  uint64_t Next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  uint64_t state_[4];
};

thread_local Generator generator;

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

uint64_t Random64() {
  return generator.Next();
}

void WriteUuid(char out[36]) {
  uint64_t bits[2] = {Random64(), Random64()};
  bits[0] = (bits[0] & ~uint64_t{0xf000}) | 0x4000;                  // version 4
  bits[1] = (bits[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // variant of RFC 9562
  int at = 0;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out[at++] = '-';
    const uint64_t word = bits[i / 16];
    out[at++] = kHex[(word >> (60 - 4 * (i % 16))) & 15];
  }
}

}  // namespace narthex
