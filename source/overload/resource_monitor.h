#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "source/overload/overload_config.h"

namespace narthex {

// Measures a resource. Loop-confined; reads files and counters, and never waits for anything.
class ResourceMonitor {
 public:
  virtual ~ResourceMonitor() = default;
  // The pressure now: the share of the resource that is used, from 0 on; above 1 where more is used than
  // there should be.
  virtual absl::StatusOr<double> Read() = 0;
};

// Of the bytes that the process may have allocated.
std::unique_ptr<ResourceMonitor> MakeFixedHeapMonitor(uint64_t most, std::function<uint64_t()> allocated);
// Of the connections that clients may have.
std::unique_ptr<ResourceMonitor> MakeConnectionsMonitor(uint64_t most, std::function<uint64_t()> open);
// A number that stands in a file.
std::unique_ptr<ResourceMonitor> MakeInjectedMonitor(std::string file);

// Processor time since some moment: what was used of what there was, in any unit.
struct CpuTimes {
  double used = 0;
  double available = 0;
};
// Smoothed as Envoy does it: each reading counts one part in twenty.
std::unique_ptr<ResourceMonitor> MakeCpuMonitor(std::function<absl::StatusOr<CpuTimes>()> read);

// The monitor that `config` describes, of this process. `connections` counts those of clients.
std::unique_ptr<ResourceMonitor> MakeMonitor(const ResourceMonitorConfig& config,
                                             std::function<uint64_t()> connections);

}  // namespace narthex
