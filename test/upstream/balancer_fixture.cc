#include "test/upstream/balancer_fixture.h"

#include <utility>

#include "test/upstream/balancer/chi_square.h"

namespace narthex::testing {

std::shared_ptr<Host> TestHost::Make(std::shared_ptr<HealthEpoch> epoch) const {
  EndpointConfig endpoint;
  endpoint.weight = weight;
  endpoint.priority = priority;
  endpoint.health = health;
  endpoint.locality.zone = zone;
  endpoint.locality_weight = locality_weight;
  endpoint.lb_metadata = metadata;
  auto host = std::make_shared<Host>(endpoint, *Address::Ip("10.0.0.1", port), std::move(epoch));
  host->set_available_since_us(0);
  return host;
}

BalancedHosts::BalancedHosts(const std::vector<TestHost>& hosts, BalancerSettings settings)
    : settings_(std::move(settings)) {
  for (const TestHost& host : hosts) hosts_[host.port] = host.Make();
  Rebuild();
}

void BalancedHosts::Rebuild() {
  std::vector<Host*> all;
  for (const auto& [port, host] : hosts_) all.push_back(host.get());
  balancer_ = nullptr;
  tables_ = MakeHostTables(all, settings_);
  balancer_ = std::make_unique<LoadBalancer>(
      BalancerContext{settings_, panics_, [this] { return active_requests_; }}, tables_, now_us, 0);
}

Host* BalancedHosts::Choose(std::optional<uint64_t> hash) {
  return balancer_->Choose({random_.Next(), hash, now_us});
}

std::map<uint16_t, size_t> BalancedHosts::Count(size_t times) {
  std::map<uint16_t, size_t> counts;
  for (size_t i = 0; i < times; ++i) {
    const Host* host = Choose();
    ++counts[host == nullptr ? 0 : host->address().port()];
  }
  return counts;
}

std::map<uint16_t, size_t> BalancedHosts::CountHashes(size_t times) {
  std::map<uint16_t, size_t> counts;
  RandomBits hashes(11);
  for (size_t i = 0; i < times; ++i) {
    const Host* host = Choose(hashes.Next());
    ++counts[host == nullptr ? 0 : host->address().port()];
  }
  return counts;
}

double BalancedHosts::DistanceFromShares(const std::map<uint16_t, size_t>& counts) const {
  const std::map<const Host*, double> expected = ExpectedShares(tables_, settings_);
  std::vector<size_t> counted;
  std::vector<double> shares;
  for (const auto& [port, host] : hosts_) {
    const auto count = counts.find(port);
    const auto share = expected.find(host.get());
    counted.push_back(count == counts.end() ? 0 : count->second);
    shares.push_back(share == expected.end() ? 0 : share->second);
  }
  return ChiSquare(counted, shares);
}

BalancerSettings Settings(LbPolicy policy) {
  BalancerSettings settings;
  settings.policy = policy;
  return settings;
}

}  // namespace narthex::testing
