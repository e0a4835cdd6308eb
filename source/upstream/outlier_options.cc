#include <algorithm>

#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

using envoy::config::cluster::v3::OutlierDetection;
using google::protobuf::UInt32Value;

void Take(bool set, const UInt32Value& value, uint32_t& into) {
  if (set) into = value.value();
}

void ReadConsecutive(const OutlierDetection& source, OutlierSettings& settings) {
  Take(source.has_consecutive_5xx(), source.consecutive_5xx(), settings.consecutive_5xx.limit);
  Take(source.has_enforcing_consecutive_5xx(), source.enforcing_consecutive_5xx(),
       settings.consecutive_5xx.enforcing);
  Take(source.has_consecutive_gateway_failure(), source.consecutive_gateway_failure(),
       settings.consecutive_gateway_failure.limit);
  Take(source.has_enforcing_consecutive_gateway_failure(), source.enforcing_consecutive_gateway_failure(),
       settings.consecutive_gateway_failure.enforcing);
  Take(source.has_consecutive_local_origin_failure(), source.consecutive_local_origin_failure(),
       settings.consecutive_local_origin_failure.limit);
  Take(source.has_enforcing_consecutive_local_origin_failure(),
       source.enforcing_consecutive_local_origin_failure(),
       settings.consecutive_local_origin_failure.enforcing);
}

void ReadShares(const OutlierDetection& source, OutlierSettings& settings) {
  Take(source.has_success_rate_stdev_factor(), source.success_rate_stdev_factor(),
       settings.success_rate.limit);
  Take(source.has_enforcing_success_rate(), source.enforcing_success_rate(), settings.success_rate.enforcing);
  Take(source.has_enforcing_local_origin_success_rate(), source.enforcing_local_origin_success_rate(),
       settings.local_origin_success_rate_enforcing);
  Take(source.has_success_rate_minimum_hosts(), source.success_rate_minimum_hosts(),
       settings.success_rate_hosts);
  Take(source.has_success_rate_request_volume(), source.success_rate_request_volume(),
       settings.success_rate_volume);
  Take(source.has_failure_percentage_threshold(), source.failure_percentage_threshold(),
       settings.failure_percentage.limit);
  Take(source.has_enforcing_failure_percentage(), source.enforcing_failure_percentage(),
       settings.failure_percentage.enforcing);
  Take(source.has_enforcing_failure_percentage_local_origin(),
       source.enforcing_failure_percentage_local_origin(),
       settings.local_origin_failure_percentage_enforcing);
  Take(source.has_failure_percentage_minimum_hosts(), source.failure_percentage_minimum_hosts(),
       settings.failure_percentage_hosts);
  Take(source.has_failure_percentage_request_volume(), source.failure_percentage_request_volume(),
       settings.failure_percentage_volume);
}

void ReadTimes(const OutlierDetection& source, const ConfigPath& path, OutlierSettings& settings,
               Diagnostics& diagnostics) {
  if (source.has_interval()) settings.interval = ToMilliseconds(source.interval());
  if (source.has_base_ejection_time())
    settings.base_ejection_time = ToMilliseconds(source.base_ejection_time());
  settings.max_ejection_time = std::max(settings.max_ejection_time, settings.base_ejection_time);
  if (source.has_max_ejection_time()) settings.max_ejection_time = ToMilliseconds(source.max_ejection_time());
  settings.max_ejection_time_jitter = ToMilliseconds(source.max_ejection_time_jitter());
  if (settings.max_ejection_time < settings.base_ejection_time) {
    diagnostics.Error(path.Field("max_ejection_time"), "must not be below base_ejection_time");
  }
  if (settings.max_ejection_time_jitter.count() < 0) {
    diagnostics.Error(path.Field("max_ejection_time_jitter"), "must not be negative");
  }
}

// A share that no number of hosts, or fewer than one of them, fits into ejects nobody.
void WarnOfNoEffect(const OutlierSettings& settings, const ConfigPath& path, const ClusterConfig& config,
                    Diagnostics& diagnostics) {
  const size_t hosts = config.endpoints.size();
  if (config.type != DiscoveryType::kStatic || hosts == 0 || settings.always_eject_one_host) return;
  if (settings.max_ejection_percent * hosts >= 100) return;
  diagnostics.Warning(path.Field("max_ejection_percent"),
                      std::to_string(settings.max_ejection_percent) + " percent of " + std::to_string(hosts) +
                          " hosts is less than one: no host is ever ejected; raise it or set "
                          "always_eject_one_host");
}

}  // namespace

void ReadOutliers(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                  Diagnostics& diagnostics) {
  if (!cluster.has_outlier_detection()) return;
  const OutlierDetection& source = cluster.outlier_detection();
  const ConfigPath at = path.Field("outlier_detection");
  OutlierSettings& settings = config.outliers.emplace();
  ReadConsecutive(source, settings);
  ReadShares(source, settings);
  ReadTimes(source, at, settings, diagnostics);
  Take(source.has_max_ejection_percent(), source.max_ejection_percent(), settings.max_ejection_percent);
  settings.split_local_origin = source.split_external_local_origin_errors();
  settings.always_eject_one_host = source.always_eject_one_host().value();
  if (source.has_successful_active_health_check_uneject_host()) {
    settings.uneject_by_active_check = source.successful_active_health_check_uneject_host().value();
  }
  WarnOfNoEffect(settings, at, config, diagnostics);
}

}  // namespace narthex::cluster_config
