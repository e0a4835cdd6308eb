#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "source/overload/resource_monitor.h"

namespace narthex {

// Of all processors of the machine, from /proc/stat.
absl::StatusOr<CpuTimes> HostCpuTimes();
// Of the control group that this process is in, version 1 or 2, and of the processors and the quota that it
// has.
absl::StatusOr<CpuTimes> ContainerCpuTimes();

// For tests: the same from other files. `seconds` is the time that has passed, and `processors` how many
// there are without a quota.
absl::StatusOr<CpuTimes> HostCpuTimesFrom(const std::string& stat_file);
absl::StatusOr<CpuTimes> ContainerCpuTimesFrom(const std::string& folder_v2, const std::string& folder_v1,
                                               double seconds, double processors);

}  // namespace narthex
