#pragma once

#include <cstddef>
#include <cstdint>

namespace narthex {

// Random bits for choices that nobody must be able to steer in bulk: balancing, sampling, request ids. From a
// generator of the calling thread, seeded by the kernel. Not for keys or secrets. Any thread.
uint64_t Random64();

// A random UUID (version 4, RFC 9562) in text, without a terminating zero.
inline constexpr size_t kUuidLength = 36;
void WriteUuid(char out[kUuidLength]);

}  // namespace narthex
