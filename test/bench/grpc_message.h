// Messages on a gRPC stream: a byte that says whether they are compressed, four bytes of length, the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace narthex {

constexpr size_t kGrpcPrefix = 5;

// A message of `size` bytes, uncompressed, with its prefix.
inline std::string MakeGrpcMessage(size_t size) {
  std::string message(kGrpcPrefix, '\0');
  for (size_t i = 0; i < 4; ++i) message[1 + i] = static_cast<char>(size >> (24 - 8 * i));
  for (size_t i = 0; i < size; ++i) message.push_back(static_cast<char>('a' + i % 26));
  return message;
}

// Whether `bytes` are exactly one uncompressed message with its prefix.
inline bool IsOneGrpcMessage(std::string_view bytes) {
  if (bytes.size() < kGrpcPrefix || bytes[0] != 0) return false;
  size_t size = 0;
  for (size_t i = 1; i < kGrpcPrefix; ++i) size = size << 8 | static_cast<uint8_t>(bytes[i]);
  return bytes.size() == kGrpcPrefix + size;
}

}  // namespace narthex
