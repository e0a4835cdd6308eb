#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/event/event_loop.h"
#include "source/http/http2/http2_stats.h"
#include "source/upstream/breakers.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/cluster_stats.h"
#include "source/upstream/host.h"
#include "source/upstream/outlier_detector.h"
#include "source/upstream/shared_tables.h"

namespace narthex {

// What all workers' requests of one priority take up together.
struct BreakerSums {
  SharedSum connections, pending_requests, requests, retries;
};

// How many retries of one priority may be under way now.
uint32_t RetryLimit(const BreakerLimits& limits, const BreakerSums& sums);

// A cluster of the process: what its workers share. Lives from the snapshot that brings its configuration to
// the last one that keeps it unchanged. Thread-safe.
class ClusterRuntime : public std::enable_shared_from_this<ClusterRuntime> {
 public:
  // Called on the subscriber's loop with each new host set.
  using HostsCallback = std::function<void(std::shared_ptr<const HostSet>)>;
  class Subscription {
   public:
    ~Subscription();

   private:
    friend class ClusterRuntime;
    std::shared_ptr<ClusterRuntime> runtime_;
    std::shared_ptr<HostsCallback> callback_;
  };

  // `previous` is what had this name before, or null: what its DNS names stood for is where this one begins,
  // so that a change of configuration makes no request wait for a lookup, nor fail while DNS does.
  static std::shared_ptr<ClusterRuntime> Make(std::shared_ptr<const ClusterConfig> config,
                                              const ClusterRuntime* previous = nullptr);

  const ClusterConfig& config() const { return *config_; }
  const std::shared_ptr<const ClusterConfig>& shared_config() const { return config_; }
  const ClusterStats& stats() const { return stats_; }
  // Null for a cluster whose hosts are never spoken to by HTTP/2.
  const Http2Stats* http2_stats() const { return http2_stats_ ? &*http2_stats_ : nullptr; }
  BreakerSums& breakers(Priority priority) { return breakers_[static_cast<size_t>(priority)]; }
  // Of all its hosts, also those to come.
  const std::shared_ptr<HealthEpoch>& health_epoch() const { return health_epoch_; }
  SharedTables& tables() { return tables_; }
  // Requests under way, of all workers.
  uint64_t active_requests() const;
  // Null for a cluster without outlier detection.
  OutlierDetector* outliers() { return outliers_.get(); }
  // Whether requests should wait, because no host's first active check has ended.
  bool awaits_first_checks() const { return awaits_first_checks_.load(std::memory_order_acquire); }
  // They need not wait any longer. Tells every subscriber by posting the current set again.
  void EndFirstChecks();
  // The name, in memory that lasts as long as the process.
  std::string_view lasting_name() const { return lasting_name_; }

  std::shared_ptr<const HostSet> hosts() const;
  // Makes `hosts` the current set and posts it to every subscriber.
  void Publish(std::shared_ptr<const HostSet> hosts);
  // Once the subscription is destroyed, on the loop's thread, the callback is not called any more and the
  // loop may go.
  std::unique_ptr<Subscription> Subscribe(EventLoop& loop, HostsCallback callback);

  // What the DNS names of the endpoints last stood for, without ports.
  using NamedAddresses = std::map<std::string, std::vector<Address>, std::less<>>;
  NamedAddresses named_addresses() const;
  void NoteAddresses(const std::string& dns_name, std::vector<Address> addresses);

  // Why the last discovery of hosts failed; empty when it did not.
  std::string discovery_error() const;
  void set_discovery_error(std::string error);

 private:
  ClusterRuntime(std::shared_ptr<const ClusterConfig> config, NamedAddresses named);
  void AddComputedGauges();
  void AddBalancerGauges();
  void AddHealthGauges();

  struct Subscriber {
    EventLoop* loop;
    std::weak_ptr<HostsCallback> callback;
  };

  const std::shared_ptr<const ClusterConfig> config_;
  const ClusterStats stats_;
  std::optional<const Http2Stats> http2_stats_;
  const std::string_view lasting_name_;
  const std::shared_ptr<HealthEpoch> health_epoch_ = std::make_shared<HealthEpoch>();
  std::array<BreakerSums, 2> breakers_;
  SharedTables tables_;
  std::unique_ptr<OutlierDetector> outliers_;
  std::atomic<bool> awaits_first_checks_;
  mutable std::mutex mutex_;
  NamedAddresses named_addresses_;  // of endpoints of the configuration only
  std::shared_ptr<const HostSet> hosts_;
  std::vector<Subscriber> subscribers_;
  std::string discovery_error_;
};

}  // namespace narthex
