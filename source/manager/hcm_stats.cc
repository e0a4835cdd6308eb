#include "source/manager/hcm_stats.h"

#include <string>

namespace narthex {

HcmStats HcmStats::Make(std::string_view prefix) {
  StatsStore& store = StatsStore::Process();
  auto counter = [&](std::string_view name) { return store.MakeCounter(std::string(prefix).append(name)); };
  HcmStats stats;
  stats.rq_total = counter("downstream_rq_total");
  stats.rq_http1_total = counter("downstream_rq_http1_total");
  stats.rq_http2_total = counter("downstream_rq_http2_total");
  stats.rq_active = store.MakeGauge(std::string(prefix) + "downstream_rq_active");
  stats.rq_completed = counter("downstream_rq_completed");
  constexpr std::array<std::string_view, 5> kClasses = {"downstream_rq_1xx", "downstream_rq_2xx",
                                                        "downstream_rq_3xx", "downstream_rq_4xx",
                                                        "downstream_rq_5xx"};
  for (size_t i = 0; i < kClasses.size(); ++i) stats.rq_by_class[i] = counter(kClasses[i]);
  stats.rq_time = store.MakeHistogram(std::string(prefix) + "downstream_rq_time");
  stats.rq_rx_reset = counter("downstream_rq_rx_reset");
  stats.rq_timeout = counter("downstream_rq_timeout");
  stats.rq_header_timeout = counter("downstream_rq_header_timeout");
  stats.rq_idle_timeout = counter("downstream_rq_idle_timeout");
  stats.rq_max_duration_reached = counter("downstream_rq_max_duration_reached");
  stats.rq_failed_path_normalization = counter("downstream_rq_failed_path_normalization");
  stats.rq_redirected_with_normalized_path = counter("downstream_rq_redirected_with_normalized_path");
  stats.rq_rejected_via_ip_detection = counter("downstream_rq_rejected_via_ip_detection");
  stats.rq_non_relative_path = counter("downstream_rq_non_relative_path");
  stats.no_route = counter("no_route");
  // Of the codec, and so, in Envoy, of all connection managers.
  stats.rejected_with_underscores = store.MakeCounter("http1.requests_rejected_with_underscores_in_headers");
  stats.dropped_headers_with_underscores = store.MakeCounter("http1.dropped_headers_with_underscores");
  stats.cx_protocol_error = counter("downstream_cx_protocol_error");
  stats.rq_overload_close = counter("downstream_rq_overload_close");
  stats.cx_overload_disable_keepalive = counter("downstream_cx_overload_disable_keepalive");
  stats.rq_too_large = counter("downstream_rq_too_large");
  stats.cx_upgrades_total = counter("downstream_cx_upgrades_total");
  stats.cx_upgrades_active = store.MakeGauge(std::string(prefix) + "downstream_cx_upgrades_active");
  stats.cx_rx_bytes_total = counter("downstream_cx_rx_bytes_total");
  stats.cx_tx_bytes_total = counter("downstream_cx_tx_bytes_total");
  return stats;
}

}  // namespace narthex
