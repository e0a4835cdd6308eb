#include "source/upstream/cluster_runtime.h"

#include <algorithm>
#include <set>
#include <utility>

namespace narthex {

namespace {

// Exchanges name their cluster in the access log, when the cluster may be gone already. The set grows only
// with names that were never seen before.
std::string_view LastingName(const std::string& name) {
  static std::mutex& mutex = *new std::mutex;
  static std::set<std::string>& names = *new std::set<std::string>;
  std::lock_guard lock(mutex);
  return *names.insert(name).first;
}

// The hosts that need no lookup, or whose names are known already; each address once.
std::shared_ptr<const HostSet> FirstHosts(const ClusterConfig& config,
                                          const ClusterRuntime::NamedAddresses& named,
                                          const std::shared_ptr<HealthEpoch>& epoch) {
  auto hosts = std::make_shared<HostSet>();
  std::set<std::string> seen;
  for (const EndpointConfig& endpoint : config.endpoints) {
    if (endpoint.dns_name.empty()) {
      hosts->hosts.push_back(std::make_shared<Host>(endpoint, endpoint.address, epoch));
      continue;
    }
    const auto known = named.find(endpoint.dns_name);
    if (known == named.end()) continue;
    for (const Address& address : known->second) {
      auto host = std::make_shared<Host>(endpoint, address.WithPort(endpoint.port), epoch);
      if (seen.insert(host->address_text()).second) hosts->hosts.push_back(std::move(host));
    }
  }
  hosts->warm = !hosts->hosts.empty() || config.endpoints.empty();
  return hosts;
}

// Of what `previous` knows that which still holds for `config`.
ClusterRuntime::NamedAddresses StillNamed(const ClusterConfig& config, const ClusterRuntime* previous) {
  ClusterRuntime::NamedAddresses still;
  if (previous == nullptr) return still;
  const DnsSettings& before = previous->config().dns;
  if (before.family != config.dns.family || before.resolver != config.dns.resolver) return still;
  ClusterRuntime::NamedAddresses named = previous->named_addresses();
  for (const EndpointConfig& endpoint : config.endpoints) {
    const auto known = named.find(endpoint.dns_name);
    if (known == named.end() || known->second.empty()) continue;
    std::vector<Address>& addresses = still[endpoint.dns_name];
    addresses = known->second;
    if (config.type == DiscoveryType::kLogicalDns) addresses.erase(addresses.begin() + 1, addresses.end());
  }
  return still;
}

}  // namespace

uint32_t RetryLimit(const BreakerLimits& limits, const BreakerSums& sums) {
  if (!limits.retry_budget) return limits.retries.value;
  const auto active = static_cast<double>(sums.requests.Read() + sums.pending_requests.Read());
  const double share = active * limits.retry_budget->percent / 100;
  return std::max(limits.retry_budget->least, static_cast<uint32_t>(std::max(share, 0.0)));
}

std::shared_ptr<ClusterRuntime> ClusterRuntime::Make(std::shared_ptr<const ClusterConfig> config,
                                                     const ClusterRuntime* previous) {
  NamedAddresses named = StillNamed(*config, previous);
  std::shared_ptr<ClusterRuntime> runtime(new ClusterRuntime(std::move(config), std::move(named)));
  runtime->AddComputedGauges();
  runtime->AddBalancerGauges();
  runtime->AddHealthGauges();
  return runtime;
}

ClusterRuntime::ClusterRuntime(std::shared_ptr<const ClusterConfig> config, NamedAddresses named)
    : config_(std::move(config)),
      stats_(config_->stat_name),
      lasting_name_(LastingName(config_->name)),
      tables_(config_->balancer, *health_epoch_, stats_),
      awaits_first_checks_(config_->health_check.has_value()),
      named_addresses_(std::move(named)),
      hosts_(FirstHosts(*config_, named_addresses_, health_epoch_)) {
  if (config_->connection.protocol != UpstreamProtocol::kHttp1) {
    http2_stats_.emplace("cluster." + config_->stat_name + ".http2.");
  }
  if (config_->outliers) {
    outliers_ =
        std::make_unique<OutlierDetector>(config_->stat_name, *config_->outliers, [this] { return hosts(); });
  }
}

void ClusterRuntime::EndFirstChecks() {
  if (awaits_first_checks_.exchange(false, std::memory_order_acq_rel)) Publish(hosts());
}

// How many hosts have, or lack, a flag.
void ClusterRuntime::AddHealthGauges() {
  const auto add = [this](const char* name, HostHealth::Flag flag, bool wanted) {
    StatsStore::Process().SetComputedGauge(
        "cluster." + config_->stat_name + "." + name, [weak = weak_from_this(), flag, wanted]() -> int64_t {
          const std::shared_ptr<ClusterRuntime> runtime = weak.lock();
          if (runtime == nullptr) return 0;
          const std::shared_ptr<const HostSet> set = runtime->hosts();
          return std::count_if(set->hosts.begin(), set->hosts.end(), [flag, wanted](const auto& host) {
            return host->health().Has(flag) == wanted;
          });
        });
  };
  if (config_->health_check) {
    add("health_check.healthy", HostHealth::kFailedActiveHc, false);
    add("health_check.degraded", HostHealth::kDegradedActiveHc, true);
  }
  if (config_->outliers) add("outlier_detection.ejections_active", HostHealth::kFailedOutlier, true);
}

void ClusterRuntime::AddComputedGauges() {
  const std::string prefix = "cluster." + config_->stat_name + ".";
  const auto add = [&](const std::string& name, auto read) {
    StatsStore::Process().SetComputedGauge(prefix + name, [weak = weak_from_this(), read]() -> int64_t {
      const std::shared_ptr<ClusterRuntime> runtime = weak.lock();
      return runtime == nullptr ? 0 : read(*runtime);
    });
  };
  add("membership_total", [](ClusterRuntime& runtime) { return runtime.hosts()->hosts.size(); });
  add("membership_healthy", [](ClusterRuntime& runtime) {
    const auto hosts = runtime.hosts();
    return std::count_if(hosts->hosts.begin(), hosts->hosts.end(), [](const auto& host) {
      return host->health().state() == HostHealth::State::kHealthy;
    });
  });
  add("membership_degraded", [](ClusterRuntime& runtime) {
    const auto hosts = runtime.hosts();
    return std::count_if(hosts->hosts.begin(), hosts->hosts.end(), [](const auto& host) {
      return host->health().state() == HostHealth::State::kDegraded;
    });
  });
  add("membership_excluded", [](ClusterRuntime& runtime) {
    const auto hosts = runtime.hosts();
    return std::count_if(hosts->hosts.begin(), hosts->hosts.end(),
                         [](const auto& host) { return host->excluded(); });
  });
  for (const Priority priority : {Priority::kDefault, Priority::kHigh}) {
    const std::string of =
        std::string("circuit_breakers.") + (priority == Priority::kHigh ? "high." : "default.");
    const auto breaker = [&](const std::string& open, const std::string& remaining,
                             SharedSum BreakerSums::* sum, Limit BreakerLimits::* limit) {
      const auto left = [priority, sum, limit](ClusterRuntime& runtime) -> int64_t {
        const int64_t used = (runtime.breakers(priority).*sum).Read();
        return std::max<int64_t>(0, int64_t{(runtime.config().limits(priority).*limit).value} - used);
      };
      add(of + open, [left](ClusterRuntime& runtime) { return left(runtime) == 0; });
      if (config_->limits(priority).track_remaining) add(of + remaining, left);
    };
    breaker("cx_open", "remaining_cx", &BreakerSums::connections, &BreakerLimits::connections);
    breaker("rq_pending_open", "remaining_pending", &BreakerSums::pending_requests,
            &BreakerLimits::pending_requests);
    breaker("rq_open", "remaining_rq", &BreakerSums::requests, &BreakerLimits::requests);
    const auto retries_left = [priority](ClusterRuntime& runtime) -> int64_t {
      const BreakerSums& sums = runtime.breakers(priority);
      const int64_t limit = RetryLimit(runtime.config().limits(priority), sums);
      return std::max<int64_t>(0, limit - sums.retries.Read());
    };
    add(of + "rq_retry_open", [retries_left](ClusterRuntime& runtime) { return retries_left(runtime) == 0; });
    if (config_->limits(priority).track_remaining) add(of + "remaining_retries", retries_left);
  }
}

void ClusterRuntime::AddBalancerGauges() {
  const std::string prefix = "cluster." + config_->stat_name + ".";
  const auto add = [&](const std::string& name, auto read) {
    StatsStore::Process().SetComputedGauge(prefix + name, [weak = weak_from_this(), read]() -> int64_t {
      const std::shared_ptr<ClusterRuntime> runtime = weak.lock();
      const auto tables = runtime == nullptr ? nullptr : runtime->tables_.latest();
      return tables == nullptr ? 0 : static_cast<int64_t>(read(*tables));
    });
  };
  if (config_->balancer.subsets) {
    add("lb_subsets_active", [](const ClusterTables& tables) { return tables.subsets->tables().size(); });
    add("lb_subsets_single_host_per_subset_duplicate",
        [](const ClusterTables& tables) { return tables.subsets->duplicates(); });
  }
  // Of the first priority that has such a table.
  const auto hashed = [](auto read) {
    return [read](const ClusterTables& tables) -> size_t {
      for (const PriorityTables& priority : tables.all.priorities) {
        if (priority.hashed != nullptr) return read(priority.hashed->points);
      }
      return 0;
    };
  };
  if (config_->balancer.policy == LbPolicy::kRingHash) {
    add("ring_hash_lb.size", hashed([](const auto& points) { return std::get<HashRing>(points).size(); }));
    add("ring_hash_lb.min_hashes_per_host",
        hashed([](const auto& points) { return std::get<HashRing>(points).min_points(); }));
    add("ring_hash_lb.max_hashes_per_host",
        hashed([](const auto& points) { return std::get<HashRing>(points).max_points(); }));
  }
  if (config_->balancer.policy == LbPolicy::kMaglev) {
    add("maglev_lb.min_entries_per_host",
        hashed([](const auto& points) { return std::get<MaglevTable>(points).min_entries(); }));
    add("maglev_lb.max_entries_per_host",
        hashed([](const auto& points) { return std::get<MaglevTable>(points).max_entries(); }));
  }
}

uint64_t ClusterRuntime::active_requests() const {
  int64_t active = 0;
  for (const BreakerSums& sums : breakers_) active += sums.requests.Read();
  return static_cast<uint64_t>(std::max<int64_t>(0, active));
}

std::shared_ptr<const HostSet> ClusterRuntime::hosts() const {
  std::lock_guard lock(mutex_);
  return hosts_;
}

void ClusterRuntime::Publish(std::shared_ptr<const HostSet> hosts) {
  std::lock_guard lock(mutex_);
  hosts_ = hosts;
  std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.callback.expired(); });
  for (const Subscriber& subscriber : subscribers_) {
    // The loop is there: ending a subscription takes the mutex.
    subscriber.loop->Post([callback = subscriber.callback, hosts] {
      if (const std::shared_ptr<HostsCallback> call = callback.lock()) (*call)(hosts);
    });
  }
}

std::unique_ptr<ClusterRuntime::Subscription> ClusterRuntime::Subscribe(EventLoop& loop,
                                                                        HostsCallback callback) {
  auto subscription = std::make_unique<Subscription>();
  subscription->runtime_ = shared_from_this();
  subscription->callback_ = std::make_shared<HostsCallback>(std::move(callback));
  std::lock_guard lock(mutex_);
  subscribers_.push_back({&loop, subscription->callback_});
  return subscription;
}

ClusterRuntime::Subscription::~Subscription() {
  std::lock_guard lock(runtime_->mutex_);
  callback_.reset();
}

ClusterRuntime::NamedAddresses ClusterRuntime::named_addresses() const {
  std::lock_guard lock(mutex_);
  return named_addresses_;
}

void ClusterRuntime::NoteAddresses(const std::string& dns_name, std::vector<Address> addresses) {
  std::lock_guard lock(mutex_);
  named_addresses_.insert_or_assign(dns_name, std::move(addresses));
}

std::string ClusterRuntime::discovery_error() const {
  std::lock_guard lock(mutex_);
  return discovery_error_;
}

void ClusterRuntime::set_discovery_error(std::string error) {
  std::lock_guard lock(mutex_);
  discovery_error_ = std::move(error);
}

}  // namespace narthex
