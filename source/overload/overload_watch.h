#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/overload/overload_config.h"
#include "source/overload/resource_monitor.h"
#include "source/stats/stats.h"

namespace narthex {

// What is to be done after a refresh, beside what requests see by themselves (OverloadState).
struct OverloadOrders {
  bool accept = true;                      // take new connections
  std::optional<ReducedTimeouts> reduced;  // end what has waited for longer
  double reset = 0;                        // of the streams that hold most: see StreamAccounts
  bool shrink = false;                     // give free memory back to the system
  bool any() const { return !accept || reduced || reset > 0 || shrink; }
};

// Reads the resource monitors, and says from their pressures what is to be done. A monitor that cannot be
// read keeps the pressure that it had. Loop-confined; one of them sets OverloadState.
class OverloadWatch {
 public:
  // `monitors` are those of the configuration, in its order.
  OverloadWatch(std::shared_ptr<const OverloadConfig> config,
                std::vector<std::unique_ptr<ResourceMonitor>> monitors);
  // Nothing is overloaded any more.
  ~OverloadWatch();
  OverloadWatch(const OverloadWatch&) = delete;

  const OverloadConfig& config() const { return *config_; }
  // One round, at this time of a monotonic clock.
  OverloadOrders Refresh(uint64_t now_ms);

 private:
  // A gauge with one writer.
  class Level {
   public:
    Level() = default;
    explicit Level(const std::string& name) : gauge_(StatsStore::Process().MakeGauge(name)) {}
    void Set(int64_t value) {
      gauge_.Add(value - value_);
      value_ = value;
    }
    int64_t value() const { return value_; }

   private:
    Gauge gauge_;
    int64_t value_ = 0;
  };
  struct Resource {
    std::unique_ptr<ResourceMonitor> monitor;
    std::optional<double> pressure;  // none before it was read for the first time
    bool failing = false;
    Level level;
    Counter failed, skipped;
  };
  struct Action {
    double scale = 0;
    Level active, scale_percent;
  };

  void Read(size_t monitor);
  void Decide(const OverloadActionConfig& action);
  double ScaleOf(OverloadAction action) const { return actions_[static_cast<size_t>(action)].scale; }
  bool ShrinkNow(uint64_t now_ms);

  const std::shared_ptr<const OverloadConfig> config_;
  std::vector<Resource> resources_;
  std::array<Action, kOverloadActions> actions_;
  std::optional<uint64_t> refreshed_ms_;
  std::optional<uint64_t> shrunk_ms_;
};

}  // namespace narthex
