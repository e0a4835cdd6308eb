#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace narthex {

namespace {

// The weights of hosts in slow start grow in this many steps.
constexpr uint64_t kSlowStartSteps = 100;
constexpr uint64_t kShortestStepUs = 50'000;

}  // namespace

LoadBalancer::LoadBalancer(const BalancerContext& context, const HostTables& tables, uint64_t now_us,
                           uint64_t random)
    : context_(context), tables_(tables) {
  if (context_.settings.goes_by_hash()) return;
  for (const PriorityTables& priority : tables_.priorities) {
    Sources& sources = sources_.emplace_back();
    sources.all.hosts = &priority.all;
    sources.healthy = MakeKind(priority, false, random);
    sources.degraded = MakeKind(priority, true, random);
  }
  if (context_.settings.slow_start.window_us > 0) NoteSlowStart(now_us);
}

LoadBalancer::Kind LoadBalancer::MakeKind(const PriorityTables& priority, bool degraded,
                                          uint64_t random) const {
  Kind kind;
  kind.hosts = degraded ? &priority.degraded : &priority.healthy;
  std::vector<double> weights;
  for (const LocalityHosts& locality : priority.localities) {
    kind.localities.emplace_back().hosts = degraded ? &locality.degraded : &locality.healthy;
    weights.push_back(degraded ? locality.degraded_weight : locality.healthy_weight);
  }
  kind.turns = Turns(weights, random);
  return kind;
}

void LoadBalancer::NoteSlowStart(uint64_t now_us) {
  const uint64_t window = context_.settings.slow_start.window_us;
  for (const PriorityTables& priority : tables_.priorities) {
    for (const Host* host : priority.all) {
      const uint64_t since = host->available_since_us();
      if (since == 0 || since == Host::kNotAvailable || now_us >= since + window) continue;
      const uint64_t step = std::max(window / kSlowStartSteps, kShortestStepUs);
      stale_at_us_ = std::min(stale_at_us_, std::min(now_us + step, since + window));
    }
  }
}

Host* LoadBalancer::Choose(const BalanceRequest& request) {
  if (tables_.load.empty()) return nullptr;
  const BalancerSettings& settings = context_.settings;
  RandomBits random(request.random);
  const uint64_t hash = settings.goes_by_hash() && request.hash ? *request.hash : random.Next();
  const PriorityLoad::Choice choice = ChoosePriority(hash, request.priorities);
  const bool panic = tables_.load.shares()[choice.priority].panic;
  if (panic) context_.healthy_panic.Add();
  if (settings.goes_by_hash()) {
    const HashedHosts* hashed = tables_.priorities[choice.priority].hashed.get();
    return hashed == nullptr ? nullptr : PickByHash(*hashed, hash);
  }
  Sources& sources = sources_[choice.priority];
  if (panic) {
    return settings.fail_traffic_on_panic ? nullptr : Pick(sources.all, random, request.now_us);
  }
  Kind& kind = choice.degraded ? sources.degraded : sources.healthy;
  if (!kind.turns.empty()) return Pick(kind.localities[kind.turns.Next()], random, request.now_us);
  return Pick(kind, random, request.now_us);
}

PriorityLoad::Choice LoadBalancer::ChoosePriority(uint64_t hash, TriedPriorities* tried) const {
  if (tried != nullptr && tried->any_left_out()) {
    const auto choice =
        tables_.load.ChooseFrom(hash, [&](size_t priority) { return !tried->LeavesOut(priority); });
    if (choice) return *choice;
    tried->StartOver();
  }
  return tables_.load.Choose(hash);
}

Host* LoadBalancer::Pick(Kind& kind, RandomBits& random, uint64_t now_us) {
  if (kind.hosts->empty()) return nullptr;
  if (kind.picker == nullptr) {
    kind.picker = MakeHostPicker(context_.settings, *kind.hosts, now_us, random.Next());
  }
  return kind.picker->Pick(random, now_us);
}

Host* LoadBalancer::PickByHash(const HashedHosts& hashed, uint64_t hash) {
  const size_t found = hashed.Find(hash);
  return context_.settings.hash_balance_factor == 0 ? hashed.hosts[found] : PickBounded(hashed, hash, found);
}

// Consistent hashing with bounded loads (Mirrokni and others, 2016): no host has more than its share of the
// active requests times the factor. What does not fit goes to any of the others, in an order that follows
// from the hash (Chen and others, 2019), so that the next one on the ring does not overflow in turn.
Host* LoadBalancer::PickBounded(const HashedHosts& hashed, uint64_t hash, size_t first) {
  const uint64_t factor = context_.settings.hash_balance_factor;
  const uint64_t slots = ((context_.active_requests() + 1) * factor + 99) / 100;
  const auto overload = [&](size_t at) {
    const double room = std::max(1.0, std::ceil(static_cast<double>(slots) * hashed.shares[at]));
    return static_cast<double>(hashed.hosts[at]->Active()) / room;
  };
  size_t best = first;
  double least = overload(first);
  if (least < 1) return hashed.hosts[first];
  // A step that has no factor in common with the number of hosts comes by each of them once.
  const size_t size = hashed.hosts.size();
  RandomBits random(hash);
  size_t step = size < 3 ? 1 : 1 + random.Below(size - 1);
  while (std::gcd(step, size) != 1) ++step;
  size_t at = random.Below(size);
  for (size_t tried = 0; tried < size; ++tried, at = (at + step) % size) {
    const double load = overload(at);
    if (load < 1) return hashed.hosts[at];
    if (load >= least) continue;
    best = at;
    least = load;
  }
  return hashed.hosts[best];
}

}  // namespace narthex
