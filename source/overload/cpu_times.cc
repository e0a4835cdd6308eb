#include "source/overload/cpu_times.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

namespace narthex {
namespace {

const std::string kGroups = "/sys/fs/cgroup";

// The number behind `key` in lines of "key number".
std::optional<double> NumberOf(const std::string& file, std::string_view key) {
  std::ifstream in(file);
  std::string name;
  double number = 0;
  while (in >> name >> number) {
    if (name == key) return number;
  }
  return std::nullopt;
}

std::optional<double> OnlyNumber(const std::string& file) {
  std::ifstream in(file);
  double number = 0;
  if (in >> number) return number;
  return std::nullopt;
}

// How many processors' time a quota allows, of the `processors` that there are.
double Allowed(double quota, double period, double processors) {
  return quota > 0 && period > 0 ? std::min(quota / period, processors) : processors;
}

// cpu.max holds "QUOTA PERIOD", or "max PERIOD"; the group at the root has none.
double AllowedByV2(const std::string& folder, double processors) {
  std::ifstream in(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(in >> quota >> period) || quota == "max") return processors;
  std::istringstream number(quota);
  double allowed = 0;
  return number >> allowed ? Allowed(allowed, period, processors) : processors;
}

// Where this process's group is: within a container the root, as it sees it.
std::string FolderV2() {
  std::ifstream in("/proc/self/cgroup");
  constexpr std::string_view kUnified = "0::";
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kUnified)) continue;
    std::string folder = kGroups + line.substr(kUnified.size());
    if (std::ifstream(folder + "/cpu.stat")) return folder;
  }
  return kGroups;
}

double Processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(CPU_COUNT(&set), 1) : 1;
}

}  // namespace

absl::StatusOr<CpuTimes> HostCpuTimes() {
  return HostCpuTimesFrom("/proc/stat");
}

// The first line: cpu user nice system idle iowait irq softirq steal, of which guests' time is a part
// already.
absl::StatusOr<CpuTimes> HostCpuTimesFrom(const std::string& stat_file) {
  constexpr size_t kFields = 8, kIdle = 3, kWaiting = 4;
  std::ifstream in(stat_file);
  std::string cpu;
  CpuTimes times;
  if (!(in >> cpu) || cpu != "cpu") return absl::UnavailableError("cannot read " + stat_file);
  for (size_t i = 0; i < kFields; ++i) {
    double ticks = 0;
    if (!(in >> ticks)) return absl::UnavailableError(stat_file + " has too few numbers");
    times.available += ticks;
    if (i != kIdle && i != kWaiting) times.used += ticks;
  }
  return times;
}

absl::StatusOr<CpuTimes> ContainerCpuTimes() {
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  return ContainerCpuTimesFrom(FolderV2(), kGroups, now.count(), Processors());
}

absl::StatusOr<CpuTimes> ContainerCpuTimesFrom(const std::string& folder_v2, const std::string& folder_v1,
                                               double seconds, double processors) {
  constexpr double kMicro = 1e-6, kNano = 1e-9;
  if (const auto used = NumberOf(folder_v2 + "/cpu.stat", "usage_usec")) {
    return CpuTimes{*used * kMicro, seconds * AllowedByV2(folder_v2, processors)};
  }
  if (const auto used = OnlyNumber(folder_v1 + "/cpuacct/cpuacct.usage")) {
    const double quota = OnlyNumber(folder_v1 + "/cpu/cpu.cfs_quota_us").value_or(-1);
    const double period = OnlyNumber(folder_v1 + "/cpu/cpu.cfs_period_us").value_or(0);
    return CpuTimes{*used * kNano, seconds * Allowed(quota, period, processors)};
  }
  return absl::UnavailableError("there is no processor time of a control group under " + folder_v2 + " or " +
                                folder_v1);
}

}  // namespace narthex
