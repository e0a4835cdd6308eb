#include "source/upstream/cluster_stats.h"

namespace narthex {

ClusterStats::ClusterStats(const std::string& stat_name) {
  StatsStore& store = StatsStore::Process();
  const std::string prefix = "cluster." + stat_name + ".";
  const auto counter = [&](const char* name) { return store.MakeCounter(prefix + name); };
  const auto gauge = [&](const char* name) { return store.MakeGauge(prefix + name); };
  const auto histogram = [&](const char* name) { return store.MakeHistogram(prefix + name); };

  cx_total = counter("upstream_cx_total");
  cx_http1_total = counter("upstream_cx_http1_total");
  cx_http2_total = counter("upstream_cx_http2_total");
  cx_connect_fail = counter("upstream_cx_connect_fail");
  cx_connect_timeout = counter("upstream_cx_connect_timeout");
  cx_overflow = counter("upstream_cx_overflow");
  cx_none_healthy = counter("upstream_cx_none_healthy");
  cx_idle_timeout = counter("upstream_cx_idle_timeout");
  cx_max_requests = counter("upstream_cx_max_requests");
  cx_max_duration_reached = counter("upstream_cx_max_duration_reached");
  cx_destroy = counter("upstream_cx_destroy");
  cx_destroy_local = counter("upstream_cx_destroy_local");
  cx_destroy_remote = counter("upstream_cx_destroy_remote");
  cx_destroy_with_active_rq = counter("upstream_cx_destroy_with_active_rq");
  cx_destroy_local_with_active_rq = counter("upstream_cx_destroy_local_with_active_rq");
  cx_destroy_remote_with_active_rq = counter("upstream_cx_destroy_remote_with_active_rq");
  cx_active = gauge("upstream_cx_active");
  cx_connect_ms = histogram("upstream_cx_connect_ms");
  cx_length_ms = histogram("upstream_cx_length_ms");
  rq_per_cx = histogram("upstream_rq_per_cx");
  cx_rx_bytes_total = counter("upstream_cx_rx_bytes_total");
  cx_tx_bytes_total = counter("upstream_cx_tx_bytes_total");

  rq_total = counter("upstream_rq_total");
  rq_cancelled = counter("upstream_rq_cancelled");
  rq_tx_reset = counter("upstream_rq_tx_reset");
  rq_rx_reset = counter("upstream_rq_rx_reset");
  rq_replayed = counter("upstream_rq_replayed");
  rq_pending_total = counter("upstream_rq_pending_total");
  rq_pending_overflow = counter("upstream_rq_pending_overflow");
  rq_pending_failure_eject = counter("upstream_rq_pending_failure_eject");
  rq_active = gauge("upstream_rq_active");
  rq_pending_active = gauge("upstream_rq_pending_active");

  lb_healthy_panic = counter("lb_healthy_panic");
  lb_subsets_created = counter("lb_subsets_created");
  lb_subsets_removed = counter("lb_subsets_removed");
  lb_subsets_selected = counter("lb_subsets_selected");
  lb_subsets_fallback = counter("lb_subsets_fallback");
  lb_subsets_fallback_panic = counter("lb_subsets_fallback_panic");

  membership_change = counter("membership_change");
  update_attempt = counter("update_attempt");
  update_success = counter("update_success");
  update_failure = counter("update_failure");
  update_no_rebuild = counter("update_no_rebuild");
}

}  // namespace narthex
