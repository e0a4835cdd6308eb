#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "source/http/http2/http2_guards.h"
#include "source/stats/stats.h"

namespace narthex {

// Envoy's statistics of HTTP/2 codecs: "http2." for clients' connections, "cluster.<name>.http2." for those
// to upstreams. Handles: cheap to copy, any thread.
struct Http2Stats {
  // `prefix` ends in a dot.
  explicit Http2Stats(std::string_view prefix);
  // Those of all connections of clients.
  static const Http2Stats& Downstream();

  const Counter& of(Http2Flood flood) const { return floods[static_cast<size_t>(flood)]; }

  Counter rx_reset;  // RST_STREAM
  Counter tx_reset;
  Counter rx_messaging_error;  // malformed messages, and frames against the rules
  Counter header_overflow;     // field sections above the limits
  Counter trailers;            // trailer sections received
  Counter goaway_sent;
  Counter keepalive_timeout;
  Counter stream_refused_errors;  // REFUSED_STREAM received
  Gauge streams_active;
  std::array<Counter, static_cast<size_t>(Http2Flood::kCount)> floods;
};

}  // namespace narthex
