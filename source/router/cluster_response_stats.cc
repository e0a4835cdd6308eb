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

ClusterResponseStats::ClusterResponseStats(std::string_view cluster)
    : cluster_(cluster), codes_("cluster." + cluster_ + ".upstream_rq_") {
  StatsStore& store = StatsStore::Process();
  timeout_ = store.MakeCounter("cluster." + cluster_ + ".upstream_rq_timeout");
  time_ = store.MakeHistogram("cluster." + cluster_ + ".upstream_rq_time");
}

}  // namespace narthex
