#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/upstream/load_balancer.h"

namespace narthex::testing {

// A host at 10.0.0.1 with this port, which is its name in these tests, and whatever else.
struct TestHost {
  uint16_t port = 0;
  uint32_t weight = 1;
  uint32_t priority = 0;
  ConfiguredHealth health = ConfiguredHealth::kHealthy;
  std::string zone = {};
  uint32_t locality_weight = 0;
  LbMetadata metadata = {};

  std::shared_ptr<Host> Make(std::shared_ptr<HealthEpoch> epoch = nullptr) const;
};

// Hosts, and one worker's balancer over them with a clock and chances of its own.
class BalancedHosts {
 public:
  BalancedHosts(const std::vector<TestHost>& hosts, BalancerSettings settings);

  Host* Choose(std::optional<uint64_t> hash = std::nullopt);
  // How often each port was chosen of so many times; 0 for none.
  std::map<uint16_t, size_t> Count(size_t times);
  // The same with a hash for each, the same ones every time.
  std::map<uint16_t, size_t> CountHashes(size_t times);
  // How far that is from ExpectedShares; see ChiSquare.
  double DistanceFromShares(const std::map<uint16_t, size_t>& counts) const;
  // Makes the tables and the balancer anew, as after a change.
  void Rebuild();

  Host& operator[](uint16_t port) { return *hosts_.at(port); }
  const HostTables& tables() const { return tables_; }
  LoadBalancer& balancer() { return *balancer_; }
  void set_active_requests(uint64_t active) { active_requests_ = active; }

  uint64_t now_us = 1'000'000;

 private:
  const BalancerSettings settings_;
  const Counter panics_;
  std::map<uint16_t, std::shared_ptr<Host>> hosts_;
  HostTables tables_;
  std::unique_ptr<LoadBalancer> balancer_;
  RandomBits random_{7};
  uint64_t active_requests_ = 0;
};

// Settings of a policy, else of their defaults.
BalancerSettings Settings(LbPolicy policy);

}  // namespace narthex::testing
