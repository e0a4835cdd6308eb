#pragma once

#include <string>

#include "source/stats/stats.h"

namespace narthex {

// The statistics of one cluster that are not about its responses (the router counts those), by Envoy's names
// behind "cluster.NAME.". Handles only: values, thread-safe.
struct ClusterStats {
  explicit ClusterStats(const std::string& stat_name);

  Counter cx_total, cx_http1_total, cx_http2_total, cx_connect_fail, cx_connect_timeout, cx_overflow,
      cx_none_healthy;
  Counter cx_idle_timeout, cx_max_requests, cx_max_duration_reached;
  Counter cx_destroy, cx_destroy_local, cx_destroy_remote;
  Counter cx_destroy_with_active_rq, cx_destroy_local_with_active_rq, cx_destroy_remote_with_active_rq;
  Gauge cx_active;
  Histogram cx_connect_ms, cx_length_ms, rq_per_cx;
  Counter cx_rx_bytes_total, cx_tx_bytes_total;

  Counter rq_total, rq_cancelled, rq_tx_reset, rq_rx_reset, rq_replayed;
  Counter rq_pending_total, rq_pending_overflow, rq_pending_failure_eject;
  Gauge rq_active, rq_pending_active;

  Counter lb_healthy_panic;
  Counter lb_subsets_created, lb_subsets_removed, lb_subsets_selected, lb_subsets_fallback,
      lb_subsets_fallback_panic;

  Counter membership_change, update_attempt, update_success, update_failure, update_no_rebuild;
};

}  // namespace narthex
