#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "source/upstream/health_settings.h"
#include "source/upstream/host.h"
#include "source/upstream/outlier_stats.h"

namespace narthex {

// Ejects hosts of one cluster that fail in traffic, by setting HostHealth::kFailedOutlier, and lets them come
// back. Workers tell it each result; who looks after the process's hosts calls OnInterval. Thread-safe: a
// result costs no lock unless it completes a row of failures.
class OutlierDetector {
 public:
  // A monotonic clock, the same on all threads.
  using Now = std::function<std::chrono::milliseconds()>;
  using HostsOf = std::function<std::shared_ptr<const HostSet>()>;

  // `hosts` gives the cluster's current ones.
  OutlierDetector(const std::string& stat_name, const OutlierSettings& settings, HostsOf hosts,
                  Now now = &SteadyNow);

  // `host` answered. `cells` are the worker's.
  void OnResponse(Host& host, HostCells& cells, int status);
  // There was no answer from it: it could not be connected to, broke off, or took too long.
  void OnLocalFailure(Host& host, HostCells& cells, bool timeout);
  // It was connected to, and more is not known of what passes.
  void OnConnected(Host& host, HostCells& cells);

  // Looks at the shares of the interval that ends, and lets hosts come back whose time is over.
  void OnInterval();
  // An active check of `host` succeeded, which ends an ejection unless the settings say otherwise.
  void OnActiveSuccess(Host& host);

  const OutlierSettings& settings() const { return settings_; }

 private:
  struct Share {
    Host* host;
    double success;  // percent
  };
  struct Shares {
    std::vector<Share> by_success_rate, by_failure_percentage;  // hosts with volume enough
  };

  static std::chrono::milliseconds SteadyNow();
  void CountFailure(Host& host, std::atomic<uint32_t>& row, const OutlierRule& rule, Ejection kind);
  void Eject(Host& host, Ejection kind, uint32_t enforcing, const std::string& cause);
  bool MayEject(const HostSet& hosts) const;
  void Uneject(Host& host);
  void Revisit(Host& host);
  void TakeShares(Host& host, Shares& external, Shares& local) const;
  void EjectByShares(const Shares& shares, bool local);
  void EjectBySuccessRate(const std::vector<Share>& shares, Ejection kind, uint32_t enforcing);

  const OutlierSettings settings_;
  const HostsOf hosts_;
  const Now now_;
  const OutlierStats stats_;
  const std::string name_;
  std::mutex mutex_;
};

}  // namespace narthex
