#include "source/server/health_fields.h"

namespace narthex {

namespace {

struct FlagName {
  HostHealth::Flag flag;
  const char* text;
  const char* json;  // null: stands in eds_health_status, or nowhere
};

// In the order of Envoy's text.
constexpr FlagName kFlags[] = {
    {HostHealth::kFailedActiveHc, "/failed_active_hc", "failed_active_health_check"},
    {HostHealth::kFailedOutlier, "/failed_outlier_check", "failed_outlier_check"},
    {HostHealth::kFailedEds, "/failed_eds_health", nullptr},
    {HostHealth::kDegradedActiveHc, "/degraded_active_hc", "failed_active_degraded_check"},
    {HostHealth::kDegradedEds, "/degraded_eds_health", nullptr},
    {HostHealth::kPendingActiveHc, "/pending_active_hc", "pending_active_hc"},
    {HostHealth::kExcludedImmediate, "/excluded_via_immediate_hc_fail", "excluded_via_immediate_hc_fail"},
};

const char* EdsStatus(ConfiguredHealth health) {
  switch (health) {
    case ConfiguredHealth::kHealthy:
      return "HEALTHY";
    case ConfiguredHealth::kDegraded:
      return "DEGRADED";
    case ConfiguredHealth::kDraining:
      return "DRAINING";
    case ConfiguredHealth::kUnhealthy:
      break;
  }
  return "UNHEALTHY";
}

}  // namespace

std::string HealthFlagsText(const Host& host) {
  const uint32_t flags = host.health().flags();
  const bool draining = host.configured_health() == ConfiguredHealth::kDraining;
  std::string text;
  for (const FlagName& name : kFlags) {
    if ((flags & name.flag) == 0) continue;
    text += name.flag == HostHealth::kFailedEds && draining ? "/eds_status_draining" : name.text;
  }
  return text.empty() ? "healthy" : text;
}

std::string HealthStatusJson(const Host& host) {
  const uint32_t flags = host.health().flags();
  std::string json = "{";
  for (const FlagName& name : kFlags) {
    if (name.json == nullptr || (flags & name.flag) == 0) continue;
    json += std::string("\"") + name.json + "\":true,";
  }
  return json + "\"eds_health_status\":\"" + EdsStatus(host.configured_health()) + "\"}";
}

}  // namespace narthex
