#include "source/overload/resource_monitor.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "source/base/heap.h"
#include "source/overload/cpu_times.h"

namespace narthex {
namespace {

// So much of what is used as a share of what may be.
class ShareMonitor final : public ResourceMonitor {
 public:
  ShareMonitor(uint64_t most, std::function<uint64_t()> used)
      : most_(static_cast<double>(most)), used_(std::move(used)) {}

  absl::StatusOr<double> Read() override { return static_cast<double>(used_()) / most_; }

 private:
  const double most_;
  const std::function<uint64_t()> used_;
};

class InjectedMonitor final : public ResourceMonitor {
 public:
  explicit InjectedMonitor(std::string file) : file_(std::move(file)) {}

  absl::StatusOr<double> Read() override {
    std::ifstream in(file_);
    std::string text;
    if (!in || !std::getline(in, text)) return absl::UnavailableError("cannot read " + file_);
    const absl::string_view number = absl::StripAsciiWhitespace(text);
    double pressure = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), pressure);
    if (error != std::errc() || end != number.data() + number.size() || !(pressure >= 0 && pressure <= 1)) {
      return absl::InvalidArgumentError(file_ + " must hold a number from 0 to 1");
    }
    return pressure;
  }

 private:
  const std::string file_;
};

class CpuMonitor final : public ResourceMonitor {
 public:
  explicit CpuMonitor(std::function<absl::StatusOr<CpuTimes>()> read) : read_(std::move(read)) {
    before_ = read_();
  }

  absl::StatusOr<double> Read() override {
    constexpr double kWeight = 0.05;
    const absl::StatusOr<CpuTimes> before = std::exchange(before_, read_());
    if (!before_.ok()) return before_.status();
    // The first one that could be read.
    if (!before.ok()) return smoothed_;
    const double used = before_->used - before->used, available = before_->available - before->available;
    if (used < 0 || available <= 0) {
      return absl::UnavailableError("the processor's times have not moved on");
    }
    smoothed_ += kWeight * (std::min(used / available, 1.0) - smoothed_);
    return smoothed_;
  }

 private:
  const std::function<absl::StatusOr<CpuTimes>()> read_;
  absl::StatusOr<CpuTimes> before_;
  double smoothed_ = 0;
};

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

}  // namespace

std::unique_ptr<ResourceMonitor> MakeFixedHeapMonitor(uint64_t most, std::function<uint64_t()> allocated) {
  return std::make_unique<ShareMonitor>(most, std::move(allocated));
}

std::unique_ptr<ResourceMonitor> MakeConnectionsMonitor(uint64_t most, std::function<uint64_t()> open) {
  return std::make_unique<ShareMonitor>(most, std::move(open));
}

std::unique_ptr<ResourceMonitor> MakeInjectedMonitor(std::string file) {
  return std::make_unique<InjectedMonitor>(std::move(file));
}

std::unique_ptr<ResourceMonitor> MakeCpuMonitor(std::function<absl::StatusOr<CpuTimes>()> read) {
  return std::make_unique<CpuMonitor>(std::move(read));
}

std::unique_ptr<ResourceMonitor> MakeMonitor(const ResourceMonitorConfig& config,
                                             std::function<uint64_t()> connections) {
  return std::visit(
      Match{
          [](const FixedHeapConfig& heap) {
            return MakeFixedHeapMonitor(heap.most_bytes, [] { return Heap::Now().allocated; });
          },
          [&](const DownstreamConnectionsConfig& limit) {
            return MakeConnectionsMonitor(limit.most, std::move(connections));
          },
          [](const CpuUtilizationConfig& cpu) {
            return MakeCpuMonitor(cpu.of_container ? ContainerCpuTimes : HostCpuTimes);
          },
          [](const InjectedResourceConfig& injected) { return MakeInjectedMonitor(injected.file); },
      },
      config.kind);
}

}  // namespace narthex
