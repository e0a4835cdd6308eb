#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace narthex {

namespace {

using Hosts = std::vector<std::shared_ptr<Host>>;

bool SameWeights(const Hosts& hosts) {
  return std::all_of(hosts.begin(), hosts.end(),
                     [&](const auto& host) { return host->weight() == hosts.front()->weight(); });
}

class EqualRoundRobin : public LoadBalancer {
 public:
  EqualRoundRobin(Hosts hosts, uint64_t random) : hosts_(std::move(hosts)) {
    if (!hosts_.empty()) next_ = random % hosts_.size();
  }
  Host* Choose(uint64_t) override {
    if (hosts_.empty()) return nullptr;
    if (next_ >= hosts_.size()) next_ = 0;
    return hosts_[next_++].get();
  }

 private:
  Hosts hosts_;
  size_t next_ = 0;
};

// Each host has a deadline; the earliest is taken and moved on by 1/weight. Order of insertion breaks ties.
class WeightedRoundRobin : public LoadBalancer {
 public:
  WeightedRoundRobin(Hosts hosts, uint64_t random) : hosts_(std::move(hosts)) {
    for (size_t i = 0; i < hosts_.size(); ++i) queue_.push({1.0 / hosts_[i]->weight(), order_++, i});
    // Somewhere within the first rounds.
    for (uint64_t skip = random % (4 * hosts_.size()); skip > 0; --skip) Choose(0);
  }
  Host* Choose(uint64_t) override {
    const Entry entry = queue_.top();
    queue_.pop();
    Host* host = hosts_[entry.host].get();
    queue_.push({entry.deadline + 1.0 / host->weight(), order_++, entry.host});
    return host;
  }

 private:
  struct Entry {
    double deadline;
    uint64_t order;
    size_t host;
    bool operator<(const Entry& other) const {  // the queue's top is the greatest: the earliest deadline
      return deadline != other.deadline ? deadline > other.deadline : order > other.order;
    }
  };
  Hosts hosts_;
  std::priority_queue<Entry> queue_;
  uint64_t order_ = 0;
};

class RandomBalancer : public LoadBalancer {
 public:
  explicit RandomBalancer(Hosts hosts) : hosts_(std::move(hosts)) {
    uint64_t sum = 0;
    for (const auto& host : hosts_) upto_.push_back(sum += host->weight());
  }
  Host* Choose(uint64_t random) override {
    if (hosts_.empty()) return nullptr;
    const uint64_t at = random % upto_.back();
    return hosts_[static_cast<size_t>(std::upper_bound(upto_.begin(), upto_.end(), at) - upto_.begin())]
        .get();
  }

 private:
  Hosts hosts_;
  std::vector<uint64_t> upto_;  // the running sum of weights
};

}  // namespace

std::unique_ptr<LoadBalancer> MakeRoundRobin(const HostSet& hosts, double panic_threshold, uint64_t random) {
  Hosts eligible = hosts.Eligible(panic_threshold);
  if (eligible.empty() || SameWeights(eligible)) {
    return std::make_unique<EqualRoundRobin>(std::move(eligible), random);
  }
  return std::make_unique<WeightedRoundRobin>(std::move(eligible), random);
}

std::unique_ptr<LoadBalancer> MakeRandomBalancer(const HostSet& hosts, double panic_threshold) {
  return std::make_unique<RandomBalancer>(hosts.Eligible(panic_threshold));
}

std::unique_ptr<LoadBalancer> MakeLoadBalancer(const ClusterConfig& config, const HostSet& hosts,
                                               uint64_t random) {
  switch (config.lb_policy) {
    case LbPolicy::kRandom:
      return MakeRandomBalancer(hosts, config.panic_threshold);
    case LbPolicy::kRoundRobin:
      break;
  }
  return MakeRoundRobin(hosts, config.panic_threshold, random);
}

}  // namespace narthex
