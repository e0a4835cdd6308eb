#include "source/upstream/discovery.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/base/random.h"
#include "source/event/timeout.h"

namespace narthex {

namespace {

using std::chrono::milliseconds;

// A cluster's requests wait no longer than this for the first answers.
constexpr milliseconds kWarmBound{5000};

std::string Text(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Full jitter: any time up to the interval, so that many gateways do not ask together.
milliseconds Backoff(const DnsBackoff& backoff, uint32_t failures) {
  const uint32_t doublings = std::min(failures - 1, 20u);
  const auto longest = std::min(backoff.base * (int64_t{1} << doublings), backoff.max);
  return milliseconds(1 + Random64() % std::max<uint64_t>(1, static_cast<uint64_t>(longest.count())));
}

// One cluster's names: a task for each endpoint looks its name up again and again.
class ClusterWatch {
 public:
  ClusterWatch(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, DnsResolver& resolver)
      : loop_(loop),
        runtime_(std::move(runtime)),
        config_(runtime_->config()),
        resolver_(resolver),
        targets_(config_.endpoints.size()),
        warm_timer_(loop.wheel(), [](void* self) { static_cast<ClusterWatch*>(self)->OnWarmBound(); }, this) {
    const ClusterRuntime::NamedAddresses known = runtime_->named_addresses();
    for (size_t i = 0; i < targets_.size(); ++i) {
      const std::string& name = config_.endpoints[i].dns_name;
      targets_[i].named = !name.empty();
      if (const auto found = known.find(name); found != known.end()) targets_[i].addresses = found->second;
    }
    TakeFirstHosts();
  }
  ClusterWatch(const ClusterWatch&) = delete;

  void Start() {
    warm_timer_.Arm(kWarmBound);
    for (size_t i = 0; i < targets_.size(); ++i) {
      if (!targets_[i].named) continue;
      targets_[i].task = Refresh(i);
      targets_[i].task.Start();
    }
  }

 private:
  struct Target {
    bool named = false;  // else its address is configured
    std::vector<Address> addresses;
    bool answered = false;  // or failed, for the first time
    uint32_t failures = 0;  // one after the other
    std::string error;
    Task<void> task;
  };
  using HostKey = std::pair<const EndpointConfig*, std::string>;

  // The cluster has hosts already where no lookup is needed or an earlier configuration made it: they stay.
  void TakeFirstHosts() {
    std::map<std::string, std::shared_ptr<Host>> first;
    for (const std::shared_ptr<Host>& host : runtime_->hosts()->hosts)
      first.emplace(host->address_text(), host);
    for (size_t i = 0; i < targets_.size(); ++i) {
      for (const Address& address : AddressesOf(i)) {
        const auto found = first.find(address.ToString());
        if (found == first.end()) continue;
        hosts_[{&config_.endpoints[i], found->first}] = std::move(found->second);
        first.erase(found);
      }
    }
  }

  Task<void> Refresh(size_t index) {
    for (;;) {
      const EndpointConfig& endpoint = config_.endpoints[index];
      runtime_->stats().update_attempt.Add();
      DnsResult result = co_await resolver_.Resolve(endpoint.dns_name, config_.dns.family);
      const milliseconds delay = NextDelay(targets_[index], result);
      OnResult(index, std::move(result));
      co_await Sleep(loop_, delay);
    }
  }

  milliseconds NextDelay(Target& target, const DnsResult& result) const {
    target.failures = result.ok() ? 0 : target.failures + 1;
    if (!result.ok() && config_.dns.failure) return Backoff(*config_.dns.failure, target.failures);
    milliseconds delay = config_.dns.refresh_rate;
    if (config_.dns.respect_ttl && result.ok() && result->ttl.count() > 0) delay = result->ttl;
    const auto jitter = static_cast<uint64_t>(config_.dns.jitter.count());
    if (jitter > 0) delay += milliseconds(Random64() % jitter);
    return std::max(delay, milliseconds(1));
  }

  void OnResult(size_t index, DnsResult result) {
    Target& target = targets_[index];
    target.answered = true;
    if (result.ok()) {
      runtime_->stats().update_success.Add();
      target.error.clear();
      target.addresses = Wanted(target, std::move(result->addresses));
      runtime_->NoteAddresses(config_.endpoints[index].dns_name, target.addresses);
    } else {
      runtime_->stats().update_failure.Add();
      const std::string error = Text(result.status());
      if (error != target.error) {
        NARTHEX_LOG(kWarning, "upstream") << "cluster " << config_.name << " keeps its hosts: " << error;
      }
      target.error = error;
    }
    TellErrors();
    const bool all = std::all_of(targets_.begin(), targets_.end(),
                                 [](const Target& each) { return each.answered || !each.named; });
    if (all) warm_timer_.Cancel();
    Publish(all);
  }

  // A LOGICAL_DNS cluster has one host, and keeps it as long as it is among the answers: large services
  // answer with another part of their addresses each time.
  std::vector<Address> Wanted(const Target& target, std::vector<Address> found) const {
    if (config_.type != DiscoveryType::kLogicalDns || found.empty()) return found;
    if (!target.addresses.empty()) {
      const auto same = std::find(found.begin(), found.end(), target.addresses.front());
      if (same != found.end()) return {*same};
    }
    return {found.front()};
  }

  void OnWarmBound() {
    if (runtime_->hosts()->warm) return;
    TellErrors();
    Publish(true);
  }

  void TellErrors() {
    std::string text;
    for (size_t i = 0; i < targets_.size(); ++i) {
      const Target& target = targets_[i];
      if (!target.named) continue;
      const std::string error =
          target.answered ? target.error : config_.endpoints[i].dns_name + ": no answer from DNS yet";
      if (!error.empty()) text += (text.empty() ? "" : "; ") + error;
    }
    runtime_->set_discovery_error(std::move(text));
  }

  // Of an endpoint, with its port.
  std::vector<Address> AddressesOf(size_t index) const {
    const EndpointConfig& endpoint = config_.endpoints[index];
    if (!targets_[index].named) return {endpoint.address};
    std::vector<Address> addresses;
    for (const Address& address : targets_[index].addresses)
      addresses.push_back(address.WithPort(endpoint.port));
    return addresses;
  }

  void Publish(bool warm) {
    auto next = std::make_shared<HostSet>();
    const std::shared_ptr<const HostSet> current = runtime_->hosts();
    std::map<HostKey, std::shared_ptr<Host>> kept;
    std::set<std::string> seen;
    for (size_t i = 0; i < targets_.size(); ++i) {
      const EndpointConfig& endpoint = config_.endpoints[i];
      for (const Address& address : AddressesOf(i)) {
        const std::string text = address.ToString();
        if (!seen.insert(text).second) continue;
        std::shared_ptr<Host>& host = kept[{&endpoint, text}];
        const auto known = hosts_.find({&endpoint, text});
        host = known != hosts_.end() ? known->second
                                     : std::make_shared<Host>(endpoint, address, runtime_->health_epoch());
        next->hosts.push_back(host);
      }
    }
    hosts_ = std::move(kept);
    next->warm = warm || current->warm || !next->hosts.empty();
    if (next->warm == current->warm && next->hosts == current->hosts) {
      runtime_->stats().update_no_rebuild.Add();
      return;
    }
    if (next->hosts != current->hosts) runtime_->stats().membership_change.Add();
    runtime_->Publish(std::move(next));
  }

  EventLoop& loop_;
  const std::shared_ptr<ClusterRuntime> runtime_;
  const ClusterConfig& config_;
  DnsResolver& resolver_;
  std::vector<Target> targets_;  // one for each endpoint
  std::map<HostKey, std::shared_ptr<Host>> hosts_;
  Timer warm_timer_;
};

class DnsDiscovery final : public Discovery {
 public:
  DnsDiscovery(EventLoop& loop, ResolverFactory make_resolver)
      : loop_(loop), make_resolver_(std::move(make_resolver)) {}

  void Update(const ClusterSet& set) override {
    std::map<const ClusterRuntime*, std::unique_ptr<ClusterWatch>> next;
    std::vector<ClusterWatch*> fresh;
    for (const auto& [name, runtime] : set.clusters) {
      if (!NeedsNames(runtime->config())) continue;
      std::unique_ptr<ClusterWatch>& watch = next[runtime.get()];
      const auto found = watches_.find(runtime.get());
      if (found != watches_.end()) {
        watch = std::move(found->second);
      } else if (DnsResolver* resolver = ResolverFor(*runtime); resolver != nullptr) {
        watch = std::make_unique<ClusterWatch>(loop_, runtime, *resolver);
        fresh.push_back(watch.get());
      }
    }
    watches_ = std::move(next);
    for (ClusterWatch* watch : fresh) watch->Start();
  }

 private:
  static bool NeedsNames(const ClusterConfig& config) {
    return std::any_of(config.endpoints.begin(), config.endpoints.end(),
                       [](const EndpointConfig& endpoint) { return !endpoint.dns_name.empty(); });
  }

  // Clusters with the same options share a resolver. Without one, a cluster has no hosts and says why.
  DnsResolver* ResolverFor(ClusterRuntime& runtime) {
    const DnsResolverOptions& options = runtime.config().dns.resolver;
    for (auto& [known, resolver] : resolvers_) {
      if (known == options) return resolver.get();
    }
    absl::StatusOr<std::unique_ptr<DnsResolver>> made = make_resolver_(loop_, options);
    if (made.ok()) return resolvers_.emplace_back(options, *std::move(made)).second.get();
    runtime.set_discovery_error(Text(made.status()));
    auto cold = std::make_shared<HostSet>(*runtime.hosts());
    cold->warm = true;
    runtime.Publish(std::move(cold));
    return nullptr;
  }

  EventLoop& loop_;
  const ResolverFactory make_resolver_;
  std::vector<std::pair<DnsResolverOptions, std::unique_ptr<DnsResolver>>> resolvers_;
  // After the resolvers, because its lookups must end before them.
  std::map<const ClusterRuntime*, std::unique_ptr<ClusterWatch>> watches_;
};

}  // namespace

std::unique_ptr<Discovery> MakeDiscovery(EventLoop& loop, ResolverFactory make_resolver) {
  return std::make_unique<DnsDiscovery>(loop, std::move(make_resolver));
}

}  // namespace narthex
