#include "source/router/route_stats.h"

#include <map>
#include <memory>
#include <mutex>

namespace narthex {

RouteStats::RouteStats(const std::string& prefix)
    : codes(prefix),
      total(StatsStore::Process().MakeCounter(prefix + "total")),
      timeout(StatsStore::Process().MakeCounter(prefix + "timeout")) {}

const RouteStats& RouteStats::Of(const std::string& virtual_host, const std::string& stat_prefix) {
  static std::mutex mutex;
  static auto& all = *new std::map<std::string, std::unique_ptr<RouteStats>>;
  const std::string prefix = "vhost." + virtual_host + ".route." + stat_prefix + ".upstream_rq_";
  std::lock_guard lock(mutex);
  std::unique_ptr<RouteStats>& stats = all[prefix];
  if (stats == nullptr) stats = std::make_unique<RouteStats>(prefix);
  return *stats;
}

}  // namespace narthex
