#include "source/router/cluster_response_stats.h"

#include <map>
#include <memory>
#include <mutex>

namespace narthex {

const ClusterResponseStats& ClusterResponseStats::Of(std::string_view cluster) {
  static std::mutex mutex;
  static auto& all = *new std::map<std::string, std::unique_ptr<ClusterResponseStats>, std::less<>>;
  std::lock_guard lock(mutex);
  auto found = all.find(cluster);
  if (found == all.end()) {
    found = all.emplace(std::string(cluster), std::make_unique<ClusterResponseStats>(cluster)).first;
  }
  return *found->second;
}

const ClusterResponseStats& ClusterResponseStats::OfNamed(std::string_view cluster) {
  thread_local std::map<std::string, const ClusterResponseStats*, std::less<>> known;
  const auto found = known.find(cluster);
  if (found != known.end()) return *found->second;
  return *known.emplace(std::string(cluster), &Of(cluster)).first->second;
}

RetryStats::RetryStats(const std::string& cluster) {
  StatsStore& store = StatsStore::Process();
  const std::string prefix = "cluster." + cluster + ".";
  retry = store.MakeCounter(prefix + "upstream_rq_retry");
  success = store.MakeCounter(prefix + "upstream_rq_retry_success");
  overflow = store.MakeCounter(prefix + "upstream_rq_retry_overflow");
  limit_exceeded = store.MakeCounter(prefix + "upstream_rq_retry_limit_exceeded");
  backoff_exponential = store.MakeCounter(prefix + "upstream_rq_retry_backoff_exponential");
  backoff_ratelimited = store.MakeCounter(prefix + "upstream_rq_retry_backoff_ratelimited");
  per_try_timeout = store.MakeCounter(prefix + "upstream_rq_per_try_timeout");
  per_try_idle_timeout = store.MakeCounter(prefix + "upstream_rq_per_try_idle_timeout");
  abandoned = store.MakeCounter(prefix + "retry_or_shadow_abandoned");
  body_too_long = store.MakeCounter(prefix + "upstream_rq_retry_abandoned_body_too_long");
  bodies_too_many = store.MakeCounter(prefix + "upstream_rq_retry_abandoned_replay_budget");
  body_in_transit = store.MakeCounter(prefix + "upstream_rq_retry_abandoned_body_in_transit");
}

ClusterResponseStats::ClusterResponseStats(std::string_view cluster)
    : cluster_(cluster), retries_(cluster_), codes_("cluster." + cluster_ + ".upstream_rq_") {
  StatsStore& store = StatsStore::Process();
  timeout_ = store.MakeCounter("cluster." + cluster_ + ".upstream_rq_timeout");
  time_ = store.MakeHistogram("cluster." + cluster_ + ".upstream_rq_time");
}

}  // namespace narthex
