#include <algorithm>
#include <set>

#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

using SubsetMessage = ClusterMessage::LbSubsetConfig;
using SelectorMessage = SubsetMessage::LbSubsetSelector;
using Fallback = SubsetSettings::Fallback;

// In their order, each once.
std::vector<std::string> SortedKeys(const google::protobuf::RepeatedPtrField<std::string>& keys) {
  const std::set<std::string> sorted(keys.begin(), keys.end());
  return {sorted.begin(), sorted.end()};
}

std::optional<Fallback> FallbackOf(const SelectorMessage& selector) {
  switch (selector.fallback_policy()) {
    case SelectorMessage::NO_FALLBACK:
      return Fallback::kNone;
    case SelectorMessage::ANY_ENDPOINT:
      return Fallback::kAnyEndpoint;
    case SelectorMessage::DEFAULT_SUBSET:
      return Fallback::kDefaultSubset;
    case SelectorMessage::KEYS_SUBSET:
      return Fallback::kKeysSubset;
    default:
      return std::nullopt;
  }
}

void CheckSelector(const SubsetSettings::Selector& selector, const ConfigPath& path,
                   Diagnostics& diagnostics) {
  const ConfigPath fewer = path.Field("fallback_keys_subset");
  if (selector.keys.empty()) diagnostics.Error(path.Field("keys"), "a selector needs a key");
  if (selector.single_host && selector.keys.size() > 1) {
    diagnostics.Error(path.Field("single_host_per_subset"), "is for a selector of one key");
  }
  if (selector.fallback != Fallback::kKeysSubset) {
    if (!selector.fallback_keys.empty()) {
      diagnostics.Error(fewer, "is for fallback_policy KEYS_SUBSET");
    }
    return;
  }
  const bool within = std::includes(selector.keys.begin(), selector.keys.end(),
                                    selector.fallback_keys.begin(), selector.fallback_keys.end());
  if (selector.fallback_keys.empty() || !within || selector.fallback_keys.size() == selector.keys.size()) {
    diagnostics.Error(fewer, "must be some of the keys, not all");
  }
}

SubsetSettings::Selector ReadSelector(const SelectorMessage& source, const ConfigPath& path,
                                      Diagnostics& diagnostics) {
  SubsetSettings::Selector selector;
  selector.keys = SortedKeys(source.keys());
  selector.fallback = FallbackOf(source);
  selector.fallback_keys = SortedKeys(source.fallback_keys_subset());
  selector.single_host = source.single_host_per_subset();
  CheckSelector(selector, path, diagnostics);
  return selector;
}

Fallback FallbackOf(const SubsetMessage& subsets) {
  switch (subsets.fallback_policy()) {
    case SubsetMessage::ANY_ENDPOINT:
      return Fallback::kAnyEndpoint;
    case SubsetMessage::DEFAULT_SUBSET:
      return Fallback::kDefaultSubset;
    default:
      return Fallback::kNone;
  }
}

}  // namespace

void ReadSubsets(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                 Diagnostics& diagnostics) {
  const SubsetMessage& source = cluster.lb_subset_config();
  const ConfigPath at = path.Field("lb_subset_config");
  // As in Envoy: without selectors there are no subsets.
  if (source.subset_selectors().empty()) {
    if (cluster.has_lb_subset_config()) diagnostics.Warning(at, "has no effect without subset_selectors");
    return;
  }
  SubsetSettings& settings = config.balancer.subsets.emplace();
  settings.fallback = FallbackOf(source);
  settings.default_subset = ReadLbMetadata(source.default_subset());
  settings.locality_weight_aware = source.locality_weight_aware();
  settings.scale_locality_weight = source.scale_locality_weight();
  settings.panic_mode_any = source.panic_mode_any();
  settings.list_as_any = source.list_as_any();
  if (settings.locality_weight_aware && !config.balancer.locality_weighted) {
    diagnostics.Error(at.Field("locality_weight_aware"),
                      "needs common_lb_config.locality_weighted_lb_config");
  }
  if (settings.scale_locality_weight && !settings.locality_weight_aware) {
    diagnostics.Warning(at.Field("scale_locality_weight"), "has no effect without locality_weight_aware");
  }
  const ConfigPath selectors = at.Field("subset_selectors");
  for (int i = 0; i < source.subset_selectors_size(); ++i) {
    SubsetSettings::Selector selector =
        ReadSelector(source.subset_selectors(i), selectors.Index(i), diagnostics);
    const bool again = std::any_of(settings.selectors.begin(), settings.selectors.end(),
                                   [&](const auto& other) { return other.keys == selector.keys; });
    if (again) diagnostics.Error(selectors.Index(i), "a selector above has the same keys");
    settings.selectors.push_back(std::move(selector));
  }
}

}  // namespace narthex::cluster_config
