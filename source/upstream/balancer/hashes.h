#pragma once

#include <cstdint>
#include <string_view>

namespace narthex {

// The hashes by which hosts and requests are placed on rings and tables. They are Envoy's, so that both
// choose the same host for the same key. Not for keys that an attacker must not be able to foresee. Any
// thread.

// XXH64.
uint64_t XxHash64(std::string_view text, uint64_t seed = 0);

// MurmurHash64A with the seed of libstdc++'s std::hash, which is what old ketama rings of Envoy were made
// with.
uint64_t MurmurHash64(std::string_view text);

}  // namespace narthex
