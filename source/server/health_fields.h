#pragma once

#include <string>

#include "source/upstream/host.h"

namespace narthex {

// A host's health as Envoy's /clusters has it. Any thread.

// "healthy", or "/failed_active_hc/failed_outlier_check".
std::string HealthFlagsText(const Host& host);
// The message envoy.admin.v3.HostHealthStatus.
std::string HealthStatusJson(const Host& host);

}  // namespace narthex
