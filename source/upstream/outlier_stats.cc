#include "source/upstream/outlier_stats.h"

namespace narthex {

namespace {

// By Ejection.
constexpr const char* kNames[] = {"consecutive_5xx",
                                  "consecutive_gateway_failure",
                                  "consecutive_local_origin_failure",
                                  "success_rate",
                                  "local_origin_success_rate",
                                  "failure_percentage",
                                  "local_origin_failure_percentage"};
static_assert(std::size(kNames) == static_cast<size_t>(Ejection::kCount));

}  // namespace

OutlierStats::OutlierStats(const std::string& stat_name) {
  StatsStore& store = StatsStore::Process();
  const std::string prefix = "cluster." + stat_name + ".outlier_detection.ejections_";
  enforced_total = store.MakeCounter(prefix + "enforced_total");
  overflow = store.MakeCounter(prefix + "overflow");
  for (size_t i = 0; i < kinds.size(); ++i) {
    kinds[i] = {store.MakeCounter(prefix + "detected_" + kNames[i]),
                store.MakeCounter(prefix + "enforced_" + kNames[i])};
  }
}

}  // namespace narthex
