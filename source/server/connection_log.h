#pragma once

#include <cstdint>

#include "source/server/active_listener.h"

namespace narthex {

// A connection that ends: its socket, still open, and when it was accepted, by the loop's clock.
struct ConnectionEnd {
  int fd;
  uint64_t opened_us;
};

// Writes the line of a connection that ends to the listener's access logs.
void LogConnection(EventLoop& loop, const ListenerBooks& books, const ConnectionFacts& facts,
                   const ConnectionEnd& end);
// The same of one that no filter chain was for.
void LogUnmatched(EventLoop& loop, const ListenerBooks& books, const ConnectionFacts& facts);

}  // namespace narthex
