#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "source/net/stream.h"

namespace narthex {

// What a test holds of the far end of a fake stream. Outlives the stream.
struct FakePeer {
  // Bytes that the stream's owner has written.
  std::string received;
  bool write_shut = false;  // the owner has sent its FIN
  bool destroyed = false;
  bool aborted = false;
  // How many bytes the "socket" takes before it is full; the test adds to it and calls Drained.
  size_t window = static_cast<size_t>(-1);
  // How many of the bytes taken are still on their way: what a kernel says of its send queue.
  size_t unreceived = 0;
  int reads = 0;
  int writes = 0;
};

// A stream without a socket: a test sends bytes in the pieces that it likes, closes, and limits what can be
// written.
class FakeStream final : public Stream {
 public:
  explicit FakeStream(FakePeer& peer) : peer_(peer) {}
  ~FakeStream() override { peer_.destroyed = true; }

  // The peer sends `bytes`; whoever waits is resumed inside. The stream may be destroyed meanwhile.
  void Deliver(std::string_view bytes) {
    incoming_.append(bytes);
    Announce(true, false, false);
  }
  // The peer closes its side.
  void Close() {
    end_ = true;
    Announce(true, false, true);
  }
  // The loop's turn after ShutdownBoth: whoever waits meets the end.
  void Wake() { Announce(true, true, end_); }
  void Fail(int error) {
    error_ = error;
    Announce(true, true, true);
  }
  // The peer has read: `bytes` more may be written.
  void Drained(size_t bytes) {
    peer_.window += bytes;
    Announce(false, true, false);
  }

  IoResult Read(Buffer& into, size_t max) override {
    ++peer_.reads;
    if (error_ != 0) return {IoResult::Kind::kError, 0, error_};
    if (incoming_.empty()) {
      if (end_) return {IoResult::Kind::kEnd};
      MarkDrained();
      return {IoResult::Kind::kWouldBlock};
    }
    const size_t n = std::min(max, incoming_.size());
    into.Append(std::string_view(incoming_).substr(0, n));
    incoming_.erase(0, n);
    if (incoming_.empty() && !end_) MarkDrained();
    return {IoResult::Kind::kDone, n};
  }

  IoResult Write(Buffer& from) override {
    ++peer_.writes;
    if (error_ != 0) return {IoResult::Kind::kError, 0, error_};
    const size_t n = std::min(peer_.window, from.size());
    peer_.received += from.Take(n).ToString();
    if (peer_.window != static_cast<size_t>(-1)) peer_.window -= n;
    if (from.empty()) return {IoResult::Kind::kDone, n};
    MarkFull();
    return {IoResult::Kind::kWouldBlock, n};
  }

  void ShutdownWrite() override { peer_.write_shut = true; }
  void ShutdownBoth() override {
    peer_.write_shut = true;
    end_ = true;  // as from a kernel, the edge comes later: see Wake
  }
  void AbortOnClose() override { peer_.aborted = true; }
  size_t Unreceived() override { return peer_.unreceived; }
  bool Failed() override { return error_ != 0; }
  bool Quiet() override { return incoming_.empty() && !end_ && error_ == 0; }

 protected:
  bool EndIsNear() override { return incoming_.empty() && (end_ || error_ != 0); }

 private:
  FakePeer& peer_;
  std::string incoming_;
  bool end_ = false;
  int error_ = 0;
};

}  // namespace narthex
