// One connection of the gRPC service in the benchmarks.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/bench/nghttp2.h"

namespace narthex {

// Loop-confined, on a non-blocking socket that belongs to it. A message is at most 1 KiB.
class GrpcConnection {
 public:
  explicit GrpcConnection(int fd);
  GrpcConnection(const GrpcConnection&) = delete;
  ~GrpcConnection();

  // Reads, answers and writes as far as the socket goes; false when the connection has ended.
  bool Serve();

  bool ended() const { return ended_; }

 private:
  struct Call {
    std::string message;  // with its prefix; first received, then sent
    size_t sent = 0;
    bool is_post = false;
    bool is_grpc = false;
    bool takes_trailers = false;
    bool too_long = false;
  };
  struct Callbacks;

  Call* NewCall();
  void Answer(int32_t stream, Call& call);
  ssize_t SendMessage(int32_t stream, Call& call, uint8_t* buffer, size_t space, uint32_t* flags);
  bool Receive();
  bool Flush();

  int fd_;
  bool ended_ = false;
  std::string unsent_;
  std::deque<Call> calls_;     // all there ever were at a time: an address stays
  std::vector<Call*> unused_;  // of them, those of no present stream
  std::unique_ptr<nghttp2_session, Nghttp2Delete> session_;
};

}  // namespace narthex
