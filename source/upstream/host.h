#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "source/upstream/balancer/peak_ewma.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host_health.h"
#include "source/upstream/outlier_monitor.h"

namespace narthex {

// What one worker counts of one host. Written by that worker only, read by the admin thread.
struct alignas(64) HostCells {
  using Cell = std::atomic<uint64_t>;
  Cell cx_total{0}, cx_active{0}, cx_connect_fail{0};
  Cell rq_total{0}, rq_active{0}, rq_success{0}, rq_error{0}, rq_timeout{0};
  Cell raw_active{0};  // connections for bytes of any kind, each of which is load as a request is
  // For outlier detection, where the cluster has it: answers, and what else can be said of a host.
  Cell successes{0}, failures{0}, local_successes{0}, local_failures{0};
  PeakEwma latency;                 // from sending a request to the head of its response
  const HostCells* next = nullptr;  // another worker's, of the same host

  static void Add(Cell& cell) {
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static void Sub(Cell& cell) {
    cell.store(cell.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
};

// The same, added up.
struct HostTotals {
  uint64_t cx_total = 0, cx_active = 0, cx_connect_fail = 0;
  uint64_t rq_total = 0, rq_active = 0, rq_success = 0, rq_error = 0, rq_timeout = 0;
  uint64_t successes = 0, failures = 0, local_successes = 0, local_failures = 0;
};

// The last thing that went wrong with a host.
struct HostFailure {
  std::string cause;  // empty: nothing yet
  std::chrono::system_clock::time_point when;
};

// One upstream host of the process: what it is, how well it is, and what all workers count of it. What it is
// is immutable; thread-safe.
class Host : public std::enable_shared_from_this<Host> {
 public:
  // `endpoint`, with its name resolved to `address`. `epoch`, of its cluster, counts the changes of health;
  // null where nobody watches them.
  Host(const EndpointConfig& endpoint, Address address, std::shared_ptr<HealthEpoch> epoch = nullptr);

  const Address& address() const { return address_; }
  const std::string& address_text() const { return address_text_; }
  const std::string& hostname() const { return hostname_; }
  uint32_t weight() const { return weight_; }
  uint32_t priority() const { return priority_; }
  // Begins as the endpoint's health_status says, and unhealthy where checks have to find out.
  HostHealth& health() { return health_; }
  const HostHealth& health() const { return health_; }
  // What a hash balancer places the host by, where it does not go by the name.
  const std::string& hash_key() const { return hash_key_; }
  // Of what the cluster's subsets are made.
  const LbMetadata& lb_metadata() const { return lb_metadata_; }
  // 0 where localities have no weights.
  uint32_t locality_weight() const { return locality_weight_; }
  bool available() const { return health_.state() != HostHealth::State::kUnhealthy; }
  ConfiguredHealth configured_health() const { return configured_health_; }
  const Locality& locality() const { return locality_; }
  const Origin& origin() const { return origin_; }

  // Left out of the hosts that the share of available ones is taken of.
  bool excluded() const { return health_.excluded() || configured_health_ == ConfiguredHealth::kDraining; }

  // Requests and raw connections under way, of all workers. Locks nothing.
  uint64_t Active() const;
  // By what the worker that has seen it slowest has seen, in microseconds; 0: nothing, or nothing lately.
  double PeakLatency(uint64_t now_us, uint64_t decay_us) const;

  // Since when it takes load, by the loops' clock; 0: from the start. For slow start; kept by the balancers.
  static constexpr uint64_t kNotAvailable = ~uint64_t{0};
  uint64_t available_since_us() const { return available_since_us_.load(std::memory_order_relaxed); }
  void set_available_since_us(uint64_t since) { available_since_us_.store(since, std::memory_order_relaxed); }

  // Cells for one worker; they live as long as the host.
  HostCells& AddCells();
  HostTotals Totals() const;
  void NoteFailure(std::string cause, std::chrono::system_clock::time_point when);
  HostFailure last_failure() const;

  // Why `flag` is set, in words; empty takes it back.
  void SetHealthCause(HostHealth::Flag flag, std::string cause);
  std::string health_cause(HostHealth::Flag flag) const;
  OutlierMonitor& outlier() { return outlier_; }
  const EndpointCheck& check() const { return check_; }

 private:
  const Address address_;
  const std::string address_text_, hostname_, hash_key_;
  const uint32_t weight_, priority_, locality_weight_;
  const ConfiguredHealth configured_health_;
  HostHealth health_;
  const Locality locality_;
  const LbMetadata lb_metadata_;
  const Origin origin_;
  const EndpointCheck check_;
  OutlierMonitor outlier_;
  mutable std::mutex mutex_;
  std::list<HostCells> cells_;
  std::atomic<const HostCells*> first_cells_{nullptr};
  std::atomic<uint64_t> available_since_us_{kNotAvailable};
  HostFailure failure_;
  std::map<HostHealth::Flag, std::string> health_causes_;
};

// One worker's part in a host: the host, and the cells that this worker counts it in, which live as long.
struct WorkerHost {
  // Adds the cells: once a worker for each host, or they would grow with time.
  explicit WorkerHost(std::shared_ptr<Host> shared) : host(std::move(shared)), cells(&host->AddCells()) {}

  std::shared_ptr<Host> host;
  HostCells* cells;
};

// The hosts of a cluster at one time. Immutable, thread-safe; hosts are shared from one set to the next.
struct HostSet {
  std::vector<std::shared_ptr<Host>> hosts;
  // False until a DNS cluster has a host or has given up on its first lookups: its requests wait for that.
  bool warm = true;
};

}  // namespace narthex
