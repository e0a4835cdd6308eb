#include "source/base/random.h"

#include <sys/random.h>

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

using Bytes [[gnu::vector_size(16)]] = uint8_t;

// The hexadecimal digits of numbers below 16, sixteen at a time.
Bytes HexDigits(Bytes numbers) {
  const auto letters = reinterpret_cast<Bytes>(numbers > 9);
  return numbers + '0' + (letters & ('a' - '0' - 10));
}

}  // namespace

uint64_t Random64() {
  return generator.Next();
}

void WriteUuid(char out[kUuidLength]) {
  const uint64_t bits[2] = {Random64(), Random64()};
  Bytes bytes;
  std::memcpy(&bytes, bits, sizeof bytes);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;  // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80;  // variant of RFC 9562
  const Bytes high = HexDigits(bytes >> 4), low = HexDigits(bytes & 0x0f);
  const Bytes front =
      __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Bytes back =
      __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  char digits[32];
  std::memcpy(digits, &front, 16);
  std::memcpy(digits + 16, &back, 16);
  // 8-4-4-4-12.
  std::memcpy(out, digits, 8);
  std::memcpy(out + 9, digits + 8, 4);
  std::memcpy(out + 14, digits + 12, 4);
  std::memcpy(out + 19, digits + 16, 4);
  std::memcpy(out + 24, digits + 20, 12);
  out[8] = out[13] = out[18] = out[23] = '-';
}

}  // namespace narthex
