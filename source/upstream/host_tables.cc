#include "source/upstream/host_tables.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace narthex {

namespace {

using Hosts = std::vector<Host*>;

uint64_t WeightOf(const Hosts& hosts) {
  return std::accumulate(hosts.begin(), hosts.end(), uint64_t{0},
                         [](uint64_t sum, const Host* host) { return sum + host->weight(); });
}

// Of one host, as it was when the tables were made: it may change meanwhile.
struct Standing {
  Host* host;
  HostHealth::State state;
  bool excluded;
};

// A host that is excluded still takes load when it is healthy, as in Envoy: it has been checked by nobody.
template <class Lists>
void Sort(const Standing& standing, Lists& lists) {
  lists.all.push_back(standing.host);
  if (standing.state == HostHealth::State::kHealthy) lists.healthy.push_back(standing.host);
  if (standing.state == HostHealth::State::kDegraded) lists.degraded.push_back(standing.host);
}

double EffectiveWeight(double weight, size_t of_kind, size_t counted, const BalancerSettings& settings) {
  if (counted == 0) return 0;
  const double share = static_cast<double>(of_kind) / static_cast<double>(counted);
  return weight * std::min(1.0, settings.priorities.overprovisioning_factor / 100.0 * share);
}

std::vector<LocalityHosts> SortLocalities(const std::vector<Standing>& standings,
                                          const BalancerSettings& settings, const LocalitySizes* scale) {
  struct Locality {
    LocalityHosts hosts;
    size_t excluded = 0;
  };
  std::map<LocalityKey, Locality> sorted;
  for (const Standing& standing : standings) {
    Locality& locality = sorted[KeyOf(*standing.host)];
    Sort(standing, locality.hosts);
    locality.hosts.weight = standing.host->locality_weight();
    locality.excluded += standing.excluded;
  }
  std::vector<LocalityHosts> localities;
  for (auto& [key, locality] : sorted) {
    LocalityHosts& hosts = locality.hosts;
    double weight = hosts.weight;
    if (scale != nullptr) {
      weight *= static_cast<double>(hosts.all.size()) / static_cast<double>(scale->at(key));
    }
    const size_t counted = hosts.all.size() - locality.excluded;
    hosts.healthy_weight = EffectiveWeight(weight, hosts.healthy.size(), counted, settings);
    hosts.degraded_weight = EffectiveWeight(weight, hosts.degraded.size(), counted, settings);
    localities.push_back(std::move(hosts));
  }
  return localities;
}

PriorityHosts CountsOf(const PriorityTables& tables, const std::vector<Standing>& standings) {
  PriorityHosts counts;
  counts.total = tables.all.size();
  counts.healthy = tables.healthy.size();
  counts.degraded = tables.degraded.size();
  counts.total_weight = WeightOf(tables.all);
  counts.healthy_weight = WeightOf(tables.healthy);
  counts.degraded_weight = WeightOf(tables.degraded);
  for (const Standing& standing : standings) {
    counts.excluded += standing.excluded;
    if (standing.excluded) counts.excluded_weight += standing.host->weight();
  }
  return counts;
}

void AddShares(const Hosts& hosts, double share, HashedHosts& into) {
  const auto sum = static_cast<double>(WeightOf(hosts));
  for (Host* host : hosts) {
    into.hosts.push_back(host);
    into.shares.push_back(host->weight() * share / sum);
  }
}

// The hosts that a hash chooses among: the healthy ones, all in panic, the degraded ones when there is no
// other.
const Hosts& Candidates(const Hosts& all, const Hosts& healthy, const Hosts& degraded, bool panic,
                        bool any_healthy) {
  return panic ? all : any_healthy ? healthy : degraded;
}

std::unique_ptr<const HashedHosts> HashHosts(const PriorityTables& tables, bool panic,
                                             const BalancerSettings& settings) {
  auto hashed = std::make_unique<HashedHosts>();
  const bool any_healthy = !tables.healthy.empty();
  uint64_t sum = 0;
  for (const LocalityHosts& locality : tables.localities) sum += locality.weight;
  if (sum == 0) {
    AddShares(Candidates(tables.all, tables.healthy, tables.degraded, panic, any_healthy), 1, *hashed);
  }
  for (const LocalityHosts& locality : tables.localities) {
    if (locality.weight == 0) continue;
    AddShares(Candidates(locality.all, locality.healthy, locality.degraded, panic, any_healthy),
              static_cast<double>(locality.weight) / static_cast<double>(sum), *hashed);
  }
  if (hashed->hosts.empty()) return nullptr;
  std::vector<HashedHost> keys;
  for (size_t i = 0; i < hashed->hosts.size(); ++i) {
    const Host& host = *hashed->hosts[i];
    const bool by_name = settings.hash_by_hostname && !host.hostname().empty();
    keys.push_back({by_name ? host.hostname() : host.hash_key(), hashed->shares[i]});
  }
  if (settings.policy == LbPolicy::kRingHash) {
    hashed->points = HashRing(keys, settings.ring);
  } else {
    hashed->points = MaglevTable(keys, settings.maglev_size);
  }
  return hashed;
}

// Each host's part of `share`, by weight.
void Spread(const Hosts& hosts, double share, std::map<const Host*, double>& shares) {
  const auto sum = static_cast<double>(WeightOf(hosts));
  for (const Host* host : hosts) shares[host] += share * host->weight() / sum;
}

// The same of a priority's healthy or degraded hosts, by localities where these have weights.
void SpreadPriority(const PriorityTables& tables, bool degraded, double share,
                    std::map<const Host*, double>& shares) {
  if (share == 0) return;
  const auto weight = [&](const LocalityHosts& hosts) {
    return degraded ? hosts.degraded_weight : hosts.healthy_weight;
  };
  double sum = 0;
  for (const LocalityHosts& locality : tables.localities) sum += weight(locality);
  if (!(sum > 0)) return Spread(degraded ? tables.degraded : tables.healthy, share, shares);
  for (const LocalityHosts& locality : tables.localities) {
    if (!(weight(locality) > 0)) continue;
    Spread(degraded ? locality.degraded : locality.healthy, share * weight(locality) / sum, shares);
  }
}

}  // namespace

const char* NameOf(LbPolicy policy) {
  switch (policy) {
    case LbPolicy::kRoundRobin:
      return "ROUND_ROBIN";
    case LbPolicy::kRandom:
      return "RANDOM";
    case LbPolicy::kLeastRequest:
      return "LEAST_REQUEST";
    case LbPolicy::kRingHash:
      return "RING_HASH";
    case LbPolicy::kMaglev:
      return "MAGLEV";
    case LbPolicy::kPeakEwma:
      break;
  }
  return "PEAK_EWMA";
}

LocalityKey KeyOf(const Host& host) {
  const Locality& locality = host.locality();
  return {host.priority(), locality.region, locality.zone, locality.sub_zone};
}

HostTables MakeHostTables(const std::vector<Host*>& hosts, const BalancerSettings& settings,
                          const LocalitySizes* scale) {
  std::vector<std::vector<Standing>> standings;
  for (Host* host : hosts) {
    if (host->priority() >= standings.size()) standings.resize(host->priority() + 1);
    standings[host->priority()].push_back({host, host->health().state(), host->excluded()});
  }
  HostTables tables;
  std::vector<PriorityHosts> counts;
  for (const std::vector<Standing>& of_priority : standings) {
    PriorityTables& priority = tables.priorities.emplace_back();
    for (const Standing& standing : of_priority) Sort(standing, priority);
    if (settings.locality_weighted) priority.localities = SortLocalities(of_priority, settings, scale);
    counts.push_back(CountsOf(priority, of_priority));
  }
  tables.load = PriorityLoad(counts, settings.priorities);
  if (!settings.goes_by_hash()) return tables;
  for (size_t i = 0; i < tables.priorities.size(); ++i) {
    tables.priorities[i].hashed = HashHosts(tables.priorities[i], tables.load.shares()[i].panic, settings);
  }
  return tables;
}

std::map<const Host*, double> ExpectedShares(const HostTables& tables, const BalancerSettings& settings) {
  std::map<const Host*, double> shares;
  for (size_t i = 0; i < tables.priorities.size(); ++i) {
    const PriorityTables& priority = tables.priorities[i];
    const PriorityLoad::Shares& load = tables.load.shares()[i];
    const double all = (load.healthy + load.degraded) / 100.0;
    if (settings.goes_by_hash()) {
      for (size_t at = 0; priority.hashed != nullptr && all > 0 && at < priority.hashed->hosts.size(); ++at) {
        shares[priority.hashed->hosts[at]] += all * priority.hashed->shares[at];
      }
    } else if (load.panic) {
      if (!settings.fail_traffic_on_panic && all > 0) Spread(priority.all, all, shares);
    } else {
      SpreadPriority(priority, false, load.healthy / 100.0, shares);
      SpreadPriority(priority, true, load.degraded / 100.0, shares);
    }
  }
  return shares;
}

}  // namespace narthex
