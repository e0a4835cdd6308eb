#include "source/router/cluster_response_stats.h"

#include <map>

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
  abandoned = store.MakeCounter(prefix + "retry_or_shadow_abandoned");
  body_too_long = store.MakeCounter(prefix + "upstream_rq_retry_abandoned_body_too_long");
  bodies_too_many = store.MakeCounter(prefix + "upstream_rq_retry_abandoned_replay_budget");
  body_in_transit = store.MakeCounter(prefix + "upstream_rq_retry_abandoned_body_in_transit");
}

ClusterResponseStats::ClusterResponseStats(std::string_view cluster)
    : cluster_(cluster), prefix_("cluster." + cluster_ + ".upstream_rq_"), retries_(cluster_) {
  StatsStore& store = StatsStore::Process();
  completed_ = store.MakeCounter(prefix_ + "completed");
  timeout_ = store.MakeCounter(prefix_ + "timeout");
  time_ = store.MakeHistogram(prefix_ + "time");
  for (size_t i = 0; i < classes_.size(); ++i) {
    classes_[i] = store.MakeCounter(prefix_ + std::to_string(i + 1) + "xx");
  }
  Code(200);
}

const Counter& ClusterResponseStats::Code(int status) const {
  std::atomic<const Counter*>& slot = codes_[static_cast<size_t>(status - kFirstCode)];
  const Counter* counter = slot.load(std::memory_order_acquire);
  if (counter != nullptr) return *counter;
  std::lock_guard lock(mutex_);
  counter = slot.load(std::memory_order_relaxed);
  if (counter == nullptr) {
    // Lives as long as the process, as the statistics do.
    counter = new Counter(StatsStore::Process().MakeCounter(prefix_ + std::to_string(status)));
    slot.store(counter, std::memory_order_release);
  }
  return *counter;
}

void ClusterResponseStats::Count(int status) const {
  if (status < kFirstCode || status >= kFirstCode + kCodes) return;
  completed_.Add();
  classes_[static_cast<size_t>(status / 100 - 1)].Add();
  Code(status).Add();
}

}  // namespace narthex
