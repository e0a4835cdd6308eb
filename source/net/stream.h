#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "source/base/buffer.h"
#include "source/coro/event.h"

namespace narthex {

// What one attempt to read or write did.
struct IoResult {
  enum class Kind { kDone, kWouldBlock, kEnd, kError };
  Kind kind = Kind::kDone;
  size_t bytes = 0;
  int error = 0;  // errno, for kError

  bool ok() const { return kind == Kind::kDone; }
};

// How many bytes a stream has brought and taken: those of the protocol above it, without TLS's own.
struct StreamBytes {
  uint64_t received = 0;
  uint64_t sent = 0;
};

// A connected byte stream: a plain socket, TLS over one, or a fake in tests. Attempts never block; a
// coroutine that met kWouldBlock awaits Readable() or Writable(), which do not suspend when an edge has been
// seen since. One coroutine may wait for each direction at a time. Loop-confined; destroying the stream
// closes the connection.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  virtual ~Stream();

  // Reads what there is, at most about `max` bytes, to the end of `into`. kEnd: the peer sends no more.
  virtual IoResult Read(Buffer& into, size_t max) = 0;
  // Writes from the front of `from` and consumes what was written; kDone means all of it, kWouldBlock a part
  // or none.
  virtual IoResult Write(Buffer& from) = 0;
  // Sends a FIN after what was written.
  virtual void ShutdownWrite() = 0;
  // Ends both directions now: whoever waits for the stream is woken and meets the end.
  virtual void ShutdownBoth() = 0;
  // Makes closing abort the connection (RST) instead of ending it in order.
  virtual void AbortOnClose() = 0;

  // Ready without suspending unless the last attempt found the socket drained and no edge has been seen
  // since.
  auto Readable() { return readable_.Wait(); }
  auto Writable() { return writable_.Wait(); }
  // Whether nothing at all waits to be read, the peer's FIN included; asks the kernel only after an edge.
  virtual bool Quiet() = 0;

  const StreamBytes& bytes() const { return bytes_; }

  // Whether the peer closed its side or the connection failed, as far as the kernel has said.
  bool closed() const { return closed_; }
  // Whether the connection failed, so that nothing can be written any more; asks the kernel. A peer that has
  // only closed its sending side may still read.
  virtual bool Failed() = 0;
  // How much of what was written the peer has not received yet; asks the kernel.
  virtual size_t Unreceived() = 0;
  // Called once, from the loop, when the peer has closed or the connection failed while nobody read: how an
  // owner learns that its client is gone. `context` must stay valid until the stream is destroyed or the hook
  // is replaced. Setting it again asks for one more call.
  using CloseHook = void (*)(void* context);
  void SetCloseHook(CloseHook hook, void* context) {
    close_hook_ = hook;
    close_context_ = context;
  }

 protected:
  // For implementations: announces readiness. Resumes waiters, which may destroy this stream: touch nothing
  // after it.
  void Announce(bool readable, bool writable, bool closed);
  // For implementations: whether the next read would meet the end or an error.
  virtual bool EndIsNear() = 0;
  // For implementations: a short read or write has drained the socket, so the next attempt waits for an edge.
  void MarkDrained() { readable_.Reset(); }
  void MarkFull() { writable_.Reset(); }
  // For implementations: what an attempt has moved.
  void CountReceived(size_t bytes) { bytes_.received += bytes; }
  void CountSent(size_t bytes) { bytes_.sent += bytes; }
  bool maybe_readable() const { return readable_.is_set(); }

 private:
  Event readable_;
  Event writable_;
  bool closed_ = false;
  bool* destroyed_ = nullptr;
  StreamBytes bytes_;
  CloseHook close_hook_ = nullptr;
  void* close_context_ = nullptr;
};

}  // namespace narthex
