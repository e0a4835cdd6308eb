#include "source/upstream/no_host_report.h"

#include <utility>

#include "source/base/log.h"
#include "source/upstream/health_digest.h"

namespace narthex {

ExchangeError NoHostReport::Report(const HostSet& hosts, const std::string& balancer) {
  std::string cause = CauseOf(hosts, balancer);
  Log(cause);
  return ExchangeError{ResponseFlag::kNoHealthyUpstream, "no_healthy_upstream", true, std::move(cause)};
}

std::string NoHostReport::CauseOf(const HostSet& hosts, const std::string& balancer) const {
  const ClusterConfig& config = runtime_.config();
  std::string cause = "cluster " + config.name;
  const std::string discovery = runtime_.discovery_error();
  if (!hosts.hosts.empty()) {
    cause += ": none of its " + std::to_string(hosts.hosts.size()) + " hosts takes load";
    if (!balancer.empty()) cause += ": " + balancer;
    const std::string digest = HealthDigest(hosts);
    if (!digest.empty()) cause += "; " + digest;
  } else if (!discovery.empty()) {
    cause += " has no hosts: " + discovery;
  } else {
    cause += config.endpoints.empty() ? " has no endpoints" : " has no hosts yet: names not resolved";
  }
  const std::string origin = config.origin.ToString();
  if (!origin.empty()) cause += " (" + origin + ")";
  return cause;
}

// One line in a while, however many requests meet it.
void NoHostReport::Log(const std::string& cause) {
  constexpr uint64_t kPauseMs = 10'000;
  ++requests_;
  const uint64_t now = loop_.NowMs();
  if (logged_ms_ != 0 && now - logged_ms_ < kPauseMs) return;
  NARTHEX_LOG(kWarning, "upstream") << cause << "; " << requests_
                                    << (requests_ == 1 ? " request" : " requests") << " met this";
  logged_ms_ = now;
  requests_ = 0;
}

}  // namespace narthex
