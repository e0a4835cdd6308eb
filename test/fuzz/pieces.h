#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

namespace narthex {

inline void Require(bool condition) {
  if (!condition) std::abort();
}

// Cuts bytes into pieces, the same ones for the same seed: all at once, one by one, or of sizes by chance.
class Pieces {
 public:
  Pieces(std::string_view bytes, uint32_t seed) : rest_(bytes), seed_(seed), random_(seed) {}

  bool empty() const { return rest_.empty(); }
  std::string_view Next() {
    const std::string_view piece = rest_.substr(0, Size());
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  // Byte by byte the cost of the oracles grows with the square of the length.
  static constexpr size_t kMaxByteByByte = 2000;

  size_t Size() {
    switch (seed_ % 4) {
      case 0:
        return rest_.size();
      case 1:
        return rest_.size() < kMaxByteByByte ? 1 : 1 + random_() % 256;
      case 2:
        return 1 + random_() % (rest_.size() < kMaxByteByByte ? 16 : 1024);
      default:
        return 1 + random_() % 4096;
    }
  }

  std::string_view rest_;
  uint32_t seed_;
  std::mt19937 random_;
};

}  // namespace narthex
