#include "source/upstream/subset_tables.h"

#include <algorithm>
#include <utility>

namespace narthex {

namespace {

// The names of the subsets that a host is in by these keys: one, or one for each item of a list; none when it
// lacks a key.
std::vector<std::string> NamesOf(const Host& host, const std::vector<std::string>& keys, bool list_as_any) {
  std::vector<std::string> names = {""};
  for (const std::string& key : keys) {
    const LbMetadataEntry* entry = FindEntry(host.lb_metadata(), key);
    if (entry == nullptr) return {};
    std::vector<std::string> texts = {entry->text};
    if (list_as_any && !entry->items.empty()) texts = entry->items;
    std::vector<std::string> longer;
    for (const std::string& name : names) {
      for (const std::string& text : texts) {
        AppendSubsetName(longer.emplace_back(name), key, text);
      }
    }
    names = std::move(longer);
  }
  return names;
}

bool HasAll(const Host& host, const LbMetadata& wanted, bool list_as_any) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const LbMetadataEntry& want) {
    const LbMetadataEntry* has = FindEntry(host.lb_metadata(), want.key);
    if (has == nullptr) return false;
    if (has->text == want.text) return true;
    return list_as_any && std::find(has->items.begin(), has->items.end(), want.text) != has->items.end();
  });
}

}  // namespace

BalancerSettings SettingsWithin(const BalancerSettings& cluster) {
  BalancerSettings settings = cluster;
  settings.locality_weighted &= cluster.subsets->locality_weight_aware;
  return settings;
}

SubsetTables::SubsetTables(const std::vector<Host*>& hosts, const BalancerSettings& settings) {
  const SubsetSettings& subsets = *settings.subsets;
  absl::flat_hash_map<std::string, std::vector<Host*>> members;
  for (const SubsetSettings::Selector& selector : subsets.selectors) {
    AddSelector(hosts, selector, subsets.list_as_any, members);
  }
  LocalitySizes sizes;
  for (const Host* host : hosts) ++sizes[KeyOf(*host)];
  const BalancerSettings within = SettingsWithin(settings);
  const LocalitySizes* scale = subsets.scale_locality_weight ? &sizes : nullptr;
  for (auto& [name, of_subset] : members) {
    by_name_[name] = static_cast<uint32_t>(tables_.size());
    tables_.push_back(MakeHostTables(of_subset, within, scale));
  }
  std::vector<Host*> of_default;
  for (Host* host : hosts) {
    if (HasAll(*host, subsets.default_subset, subsets.list_as_any)) of_default.push_back(host);
  }
  if (of_default.empty()) return;
  default_subset_ = static_cast<uint32_t>(tables_.size());
  tables_.push_back(MakeHostTables(of_default, within, scale));
}

void SubsetTables::AddSelector(const std::vector<Host*>& hosts, const SubsetSettings::Selector& selector,
                               bool list_as_any,
                               absl::flat_hash_map<std::string, std::vector<Host*>>& members) {
  for (Host* host : hosts) {
    for (std::string& name : NamesOf(*host, selector.keys, list_as_any)) {
      std::vector<Host*>& of_subset = members[std::move(name)];
      if (selector.single_host && !of_subset.empty()) {
        ++duplicates_;
      } else if (of_subset.empty() || of_subset.back() != host) {  // a list may name an item twice
        of_subset.push_back(host);
      }
    }
  }
}

}  // namespace narthex
