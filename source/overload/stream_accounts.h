#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace narthex {

// Finds the streams of a worker that hold most memory. They fall into eight classes, each of which begins at
// twice the bytes of the one before; how many classes are reset depends on the degree of overload, from the
// one of the largest on. Nothing is kept of a stream between two looks, and nothing is allocated: memory is
// short. Loop-confined.
class StreamAccounts {
 public:
  static constexpr uint32_t kClasses = 8;
  // How many are reset at a time; the next look may find that it was enough.
  static constexpr size_t kMost = 50;
  using Reset = void (*)(void* owner, int32_t stream);

  // The first class begins at 2 to the power of `smallest` bytes. `scale` goes from 0, none is reset, to 1.
  StreamAccounts(uint32_t smallest, double scale);

  // A stream that holds so much. Its owner lives until ResetLargest has returned.
  void Add(uint64_t bytes, Reset reset, void* owner, int32_t stream);
  // Resets those that are to be, the largest first; how many.
  size_t ResetLargest();

 private:
  struct Account {
    uint64_t bytes;
    Reset reset;
    void* owner;
    int32_t stream;
  };
  static bool Larger(const Account& left, const Account& right) { return left.bytes > right.bytes; }

  uint64_t least_;                      // what a stream must hold to be reset
  std::array<Account, kMost> largest_;  // a heap with the smallest of them at its top
  size_t count_ = 0;
};

}  // namespace narthex
