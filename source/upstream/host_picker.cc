#include "source/upstream/host_picker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "source/upstream/balancer/turns.h"
#include "source/upstream/balancer/weighted_random.h"

namespace narthex {

namespace {

using Hosts = std::vector<Host*>;

std::vector<double> WeightsOf(const Hosts& hosts, const SlowStart& slow_start, uint64_t now_us) {
  std::vector<double> weights;
  weights.reserve(hosts.size());
  for (const Host* host : hosts) {
    weights.push_back(host->weight() * SlowStartFactor(slow_start, host->available_since_us(), now_us));
  }
  return weights;
}

bool AllEqual(const std::vector<double>& weights) {
  return std::all_of(weights.begin(), weights.end(),
                     [&](double weight) { return weight == weights.front(); });
}

class RoundRobinPicker final : public HostPicker {
 public:
  RoundRobinPicker(Hosts hosts, const std::vector<double>& weights, uint64_t random)
      : hosts_(std::move(hosts)), turns_(weights, random) {}
  Host* Pick(RandomBits&, uint64_t) override { return hosts_[turns_.Next()]; }

 private:
  const Hosts hosts_;
  Turns turns_;
};

class RandomPicker final : public HostPicker {
 public:
  RandomPicker(Hosts hosts, const std::vector<double>& weights)
      : hosts_(std::move(hosts)), weighted_(weights) {}
  Host* Pick(RandomBits& random, uint64_t) override { return hosts_[weighted_.Draw(random.Next())]; }

 private:
  const Hosts hosts_;
  const WeightedRandom weighted_;
};

// Hosts of equal weights: the fewest active requests of a few random ones.
class LeastRequestPicker final : public HostPicker {
 public:
  LeastRequestPicker(Hosts hosts, uint32_t choice_count)
      : hosts_(std::move(hosts)), choice_count_(choice_count) {}

  Host* Pick(RandomBits& random, uint64_t) override {
    Host* best = hosts_[random.Below(hosts_.size())];
    uint64_t least = best->Active();
    for (uint32_t i = 1; i < choice_count_; ++i) {
      Host* host = hosts_[random.Below(hosts_.size())];
      const uint64_t active = host->Active();
      if (active >= least) continue;
      best = host;
      least = active;
    }
    return best;
  }

 private:
  const Hosts hosts_;
  const uint32_t choice_count_;
};

// All hosts are looked at; of those that have equally few requests any may be taken.
class FullScanPicker final : public HostPicker {
 public:
  explicit FullScanPicker(Hosts hosts) : hosts_(std::move(hosts)) {}

  Host* Pick(RandomBits& random, uint64_t) override {
    Host* best = nullptr;
    uint64_t least = ~uint64_t{0};
    size_t ties = 0;
    for (Host* host : hosts_) {
      const uint64_t active = host->Active();
      if (active < least) ties = 0;
      if (active > least || random.Below(++ties) != 0) continue;
      best = host;
      least = active;
    }
    return best;
  }

 private:
  const Hosts hosts_;
};

// Hosts of different weights: in turn, by their weights as active requests lessen them.
class WeightedLeastRequestPicker final : public HostPicker {
 public:
  WeightedLeastRequestPicker(Hosts hosts, std::vector<double> weights, double bias, uint64_t random)
      : hosts_(std::move(hosts)), weights_(std::move(weights)), bias_(bias), turns_(weights_, random) {}

  Host* Pick(RandomBits&, uint64_t) override {
    return hosts_[turns_.Next([this](size_t item) {
      const auto active = static_cast<double>(hosts_[item]->Active() + 1);
      return weights_[item] / (bias_ == 1 ? active : std::pow(active, bias_));
    })];
  }

 private:
  const Hosts hosts_;
  const std::vector<double> weights_;
  const double bias_;
  ChangingTurns turns_;
};

class PeakEwmaPicker final : public HostPicker {
 public:
  PeakEwmaPicker(Hosts hosts, const std::vector<double>& weights, const BalancerSettings& settings)
      : hosts_(std::move(hosts)),
        weighted_(weights),
        choice_count_(settings.choice_count),
        decay_us_(settings.decay_us),
        default_us_(static_cast<double>(settings.default_latency_us)) {}

  Host* Pick(RandomBits& random, uint64_t now_us) override {
    Host* best = Draw(random);
    double least = CostOf(*best, now_us);
    for (uint32_t i = 1; i < choice_count_; ++i) {
      Host* host = DrawOther(random, best);
      const double cost = CostOf(*host, now_us);
      if (cost >= least) continue;
      best = host;
      least = cost;
    }
    return best;
  }

 private:
  Host* Draw(RandomBits& random) const { return hosts_[weighted_.Draw(random.Next())]; }
  // Comparing a host with itself would give a slow one much of the load where there are few; a bounded number
  // of tries, for there may be but one.
  Host* DrawOther(RandomBits& random, const Host* than) const {
    Host* host = Draw(random);
    for (int tries = 0; tries < 3 && host == than; ++tries) host = Draw(random);
    return host;
  }
  // A host that has answered nothing yet is tried at once, but by one request only until it has.
  double CostOf(const Host& host, uint64_t now_us) const {
    const auto active = static_cast<double>(host.Active());
    const double latency = host.PeakLatency(now_us, decay_us_);
    if (latency == 0) return active == 0 ? 0 : default_us_ * (active + 1);
    return latency * (active + 1);
  }

  const Hosts hosts_;
  const WeightedRandom weighted_;
  const uint32_t choice_count_;
  const uint64_t decay_us_;
  const double default_us_;
};

}  // namespace

std::unique_ptr<HostPicker> MakeHostPicker(const BalancerSettings& settings, const std::vector<Host*>& hosts,
                                           uint64_t now_us, uint64_t random) {
  std::vector<double> weights = WeightsOf(hosts, settings.slow_start, now_us);
  switch (settings.policy) {
    case LbPolicy::kRandom:
      return std::make_unique<RandomPicker>(hosts, weights);
    case LbPolicy::kLeastRequest:
      if (!AllEqual(weights)) {
        return std::make_unique<WeightedLeastRequestPicker>(hosts, std::move(weights),
                                                            settings.active_request_bias, random);
      }
      if (settings.choice_count == 0) return std::make_unique<FullScanPicker>(hosts);
      return std::make_unique<LeastRequestPicker>(hosts, settings.choice_count);
    case LbPolicy::kPeakEwma:
      return std::make_unique<PeakEwmaPicker>(hosts, weights, settings);
    default:
      return std::make_unique<RoundRobinPicker>(hosts, weights, random);
  }
}

}  // namespace narthex
