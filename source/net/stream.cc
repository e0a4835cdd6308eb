#include "source/net/stream.h"

#include <utility>

namespace narthex {

Stream::~Stream() {
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Stream::Announce(bool readable, bool writable, bool closed) {
  if (closed) closed_ = true;
  const bool was_read = readable_.has_waiter();
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (writable) writable_.Set();
  if (destroyed) return;
  if (readable || closed) readable_.Set();
  if (destroyed) return;
  destroyed_ = nullptr;
  if (was_read || close_hook_ == nullptr) return;
  // Nobody reads, so the kernel is asked whether the edge was data that may wait or the end of the
  // connection.
  if (closed || (readable && EndIsNear())) {
    closed_ = true;
    std::exchange(close_hook_, nullptr)(close_context_);
  }
}

}  // namespace narthex
