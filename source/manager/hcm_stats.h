#pragma once

#include <array>
#include <string_view>

#include "source/stats/stats.h"

namespace narthex {

// The statistics of a connection manager, http.<stat_prefix>.*, with Envoy's names. Handles: any thread.
struct HcmStats {
  // `prefix` is "http.<stat_prefix>.".
  static HcmStats Make(std::string_view prefix);

  Counter rq_total;
  Counter rq_http1_total;
  Counter rq_http2_total;
  Gauge rq_active;
  Counter rq_completed;
  std::array<Counter, 5> rq_by_class;  // downstream_rq_1xx and so on
  Histogram rq_time;
  Counter rq_rx_reset;
  Counter rq_timeout;
  Counter rq_header_timeout;
  Counter rq_idle_timeout;
  Counter rq_max_duration_reached;
  Counter rq_failed_path_normalization;
  Counter rq_redirected_with_normalized_path;
  Counter rq_rejected_via_ip_detection;
  Counter rq_non_relative_path;
  Counter no_route;
  Counter rejected_with_underscores;
  Counter dropped_headers_with_underscores;
  Counter cx_protocol_error;
  Counter rq_too_large;
  Counter rq_overload_close;              // refused, for the process is overloaded
  Counter cx_overload_disable_keepalive;  // told to close for the same reason
  Counter cx_upgrades_total;
  Gauge cx_upgrades_active;
  Counter cx_rx_bytes_total;  // heads and bodies, as sent; without the framing of chunks
  Counter cx_tx_bytes_total;
};

}  // namespace narthex
