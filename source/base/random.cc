#include "source/base/random.h"

#include <sys/random.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>

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

// The two hexadecimal digits of every byte.
constexpr auto kHexPairs = [] {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<char, 512> pairs = {};
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kHex[byte >> 4];
    pairs[2 * byte + 1] = kHex[byte & 15];
  }
  return pairs;
}();

}  // namespace

uint64_t Random64() {
  return generator.Next();
}

void WriteUuid(char out[36]) {
  uint64_t bits[2] = {Random64(), Random64()};
  bits[0] = (bits[0] & ~uint64_t{0xf000}) | 0x4000;                  // version 4
  bits[1] = (bits[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // variant of RFC 9562
  // Where the sixteen bytes go: 8-4-4-4-12.
  constexpr uint8_t kPlaces[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  for (int i = 0; i < 16; ++i) {
    const uint64_t byte = (bits[i / 8] >> (56 - 8 * (i % 8))) & 0xff;
    std::memcpy(out + kPlaces[i], &kHexPairs[2 * byte], 2);
  }
  out[8] = out[13] = out[18] = out[23] = '-';
}

}  // namespace narthex
