#include "source/upstream/health_digest.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace narthex {

namespace {

// What is configured needs no words from a check.
std::string ConfiguredCause(ConfiguredHealth health) {
  switch (health) {
    case ConfiguredHealth::kDraining:
      return "configured as draining";
    case ConfiguredHealth::kDegraded:
      return "configured as degraded";
    default:
      return "configured unhealthy";
  }
}

}  // namespace

std::string HealthCause(const Host& host) {
  const uint32_t flags = host.health().flags();
  if ((flags & HostHealth::kFailedEds) != 0) return ConfiguredCause(host.configured_health());
  for (const HostHealth::Flag flag : {HostHealth::kFailedActiveHc, HostHealth::kFailedOutlier}) {
    if ((flags & flag) == 0) continue;
    std::string cause = host.health_cause(flag);
    return cause.empty() ? "not checked yet" : cause;
  }
  if ((flags & HostHealth::kDegradedActiveHc) != 0) return "degraded by its check";
  return (flags & HostHealth::kDegradedEds) != 0 ? ConfiguredCause(host.configured_health()) : std::string();
}

std::string HealthDigest(const HostSet& hosts) {
  std::map<std::string, size_t> counts;
  size_t unhealthy = 0;
  for (const std::shared_ptr<Host>& host : hosts.hosts) {
    if (host->available()) continue;
    ++counts[HealthCause(*host)];
    ++unhealthy;
  }
  if (unhealthy == 0) return {};
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& left, const auto& right) {
    return left.second != right.second ? left.second > right.second : left.first < right.first;
  });
  std::string digest = std::to_string(unhealthy) + (unhealthy == 1 ? " host: " : " hosts: ");
  constexpr size_t kMost = 5;
  size_t told = 0;
  for (size_t i = 0; i < std::min(sorted.size(), kMost); ++i) {
    if (i > 0) digest += ", ";
    digest += std::to_string(sorted[i].second) + " " + sorted[i].first;
    told += sorted[i].second;
  }
  if (told < unhealthy) digest += ", " + std::to_string(unhealthy - told) + " for other reasons";
  return digest;
}

}  // namespace narthex
