#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace narthex {

// Finds the messages in the bytes of a gRPC body, whichever way they are cut: each has five bytes before it,
// a flag and its length in network byte order
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Keeps none of the message. A
// loop-confined value.
class GrpcFrames {
 public:
  // Takes bytes up to the end of the message that they begin or go on with; how many. REQUIRES: some bytes.
  size_t Advance(std::string_view bytes);
  // Takes all of them.
  void AdvanceAll(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(Advance(bytes));
  }
  // Whether what was taken ends with a message.
  bool between_messages() const { return head_size_ == 0; }
  // How many messages have begun.
  uint64_t begun() const { return begun_; }

 private:
  std::array<uint8_t, 5> head_ = {};
  size_t head_size_ = 0;
  uint64_t left_ = 0;  // of the message behind a whole head
  uint64_t begun_ = 0;
};

}  // namespace narthex
