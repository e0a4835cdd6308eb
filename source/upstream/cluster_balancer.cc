#include "source/upstream/cluster_balancer.h"

#include <algorithm>
#include <utility>

#include "source/base/random.h"

namespace narthex {

namespace {

bool HasKeys(const LbMetadata& entries, const std::vector<std::string>& keys) {
  return std::equal(entries.begin(), entries.end(), keys.begin(), keys.end(),
                    [](const LbMetadataEntry& entry, const std::string& key) { return entry.key == key; });
}

}  // namespace

ClusterBalancer::ClusterBalancer(ClusterRuntime& runtime)
    : runtime_(runtime),
      settings_(runtime.config().balancer),
      settings_within_(settings_.subsets ? SettingsWithin(settings_) : settings_),
      context_{settings_, runtime.stats().lb_healthy_panic, [&runtime] { return runtime.active_requests(); }},
      context_within_{settings_within_, context_.healthy_panic, context_.active_requests} {}

void ClusterBalancer::SetHosts(std::shared_ptr<const HostSet> hosts) {
  hosts_ = std::move(hosts);
}

Host* ClusterBalancer::Choose(const BalanceRequest& request, const MetadataMatch* match) {
  Refresh(request.now_us);
  return settings_.subsets ? ChooseBySubset(request, match) : ChooseFromAll(request);
}

void ClusterBalancer::Refresh(uint64_t now_us) {
  if (tables_ != nullptr && tables_->set == hosts_ && tables_->epoch == runtime_.health_epoch()->value())
    return;
  // The balancers point into the tables.
  all_ = nullptr;
  subsets_.clear();
  tables_ = runtime_.tables().For(hosts_, now_us);
  if (tables_->subsets) subsets_.resize(tables_->subsets->tables().size());
}

Host* ClusterBalancer::ChooseFrom(std::unique_ptr<LoadBalancer>& balancer, const BalancerContext& context,
                                  const HostTables& tables, const BalanceRequest& request) {
  if (balancer == nullptr || request.now_us >= balancer->stale_at_us()) {
    balancer = std::make_unique<LoadBalancer>(context, tables, request.now_us, Random64());
  }
  return balancer->Choose(request);
}

Host* ClusterBalancer::ChooseFromAll(const BalanceRequest& request) {
  return ChooseFrom(all_, context_, tables_->all, request);
}

Host* ClusterBalancer::ChooseFromSubset(uint32_t number, const BalanceRequest& request) {
  if (number == SubsetTables::kNone) return nullptr;
  return ChooseFrom(subsets_[number], context_within_, tables_->subsets->tables()[number], request);
}

Host* ClusterBalancer::ChooseBySubset(const BalanceRequest& request, const MetadataMatch* match) {
  const ClusterStats& stats = runtime_.stats();
  if (match != nullptr) {
    const uint32_t found = tables_->subsets->Find(match->subset);
    if (found != SubsetTables::kNone) {
      stats.lb_subsets_selected.Add();
      return ChooseFromSubset(found, request);
    }
    const SubsetSettings::Selector* selector = SelectorOf(*match);
    if (selector != nullptr && selector->fallback) return FallBackOf(*selector, *match, request);
  }
  Host* host = FallBack(settings_.subsets->fallback, request);
  if (host != nullptr) {
    stats.lb_subsets_fallback.Add();
  } else if (settings_.subsets->panic_mode_any) {
    host = ChooseFromAll(request);
    if (host != nullptr) stats.lb_subsets_fallback_panic.Add();
  }
  return host;
}

const SubsetSettings::Selector* ClusterBalancer::SelectorOf(const MetadataMatch& match) const {
  for (const SubsetSettings::Selector& selector : settings_.subsets->selectors) {
    if (HasKeys(match.entries, selector.keys)) return &selector;
  }
  return nullptr;
}

Host* ClusterBalancer::FallBack(Fallback fallback, const BalanceRequest& request) {
  if (fallback == Fallback::kAnyEndpoint) return ChooseFromAll(request);
  if (fallback != Fallback::kDefaultSubset) return nullptr;
  return ChooseFromSubset(tables_->subsets->default_subset(), request);
}

// The selector of fewer keys may itself fall back to fewer yet: each step has fewer, so it ends.
Host* ClusterBalancer::FallBackOf(const SubsetSettings::Selector& first, const MetadataMatch& match,
                                  const BalanceRequest& request) {
  const SubsetSettings::Selector* selector = &first;
  while (selector->fallback == Fallback::kKeysSubset) {
    const uint32_t found = FindFewer(*selector, match);
    if (found != SubsetTables::kNone) {
      runtime_.stats().lb_subsets_selected.Add();
      return ChooseFromSubset(found, request);
    }
    const auto& all = settings_.subsets->selectors;
    const auto next = std::find_if(all.begin(), all.end(),
                                   [&](const auto& other) { return other.keys == selector->fallback_keys; });
    if (next == all.end() || !next->fallback) {
      Host* host = FallBack(settings_.subsets->fallback, request);
      if (host != nullptr) runtime_.stats().lb_subsets_fallback.Add();
      return host;
    }
    selector = &*next;
  }
  return FallBack(*selector->fallback, request);
}

uint32_t ClusterBalancer::FindFewer(const SubsetSettings::Selector& selector, const MetadataMatch& match) {
  name_.clear();
  for (const std::string& key : selector.fallback_keys) {
    AppendSubsetName(name_, key, FindEntry(match.entries, key)->text);
  }
  return tables_->subsets->Find(name_);
}

std::string ClusterBalancer::WhyNone(const MetadataMatch* match) const {
  if (settings_.subsets && match == nullptr)
    return "the route has no metadata_match, and there is no fallback";
  if (settings_.subsets && tables_->subsets->Find(match->subset) == SubsetTables::kNone) {
    return "no subset has " + match->subset + ", and there is no fallback";
  }
  const auto& shares = tables_->all.load.shares();
  const bool panic = std::any_of(shares.begin(), shares.end(), [](const auto& each) { return each.panic; });
  if (panic && settings_.fail_traffic_on_panic) {
    return "fewer of its hosts are healthy than healthy_panic_threshold, and fail_traffic_on_panic is set";
  }
  return {};
}

}  // namespace narthex
