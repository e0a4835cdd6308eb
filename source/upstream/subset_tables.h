#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/upstream/host_tables.h"

namespace narthex {

// The subsets of a cluster's hosts that its selectors make, by name (see AppendSubsetName). Immutable,
// thread-safe.
class SubsetTables {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  SubsetTables(const std::vector<Host*>& hosts, const BalancerSettings& settings);

  // The number of the subset with these entries; kNone when no selector has their keys, or no host their
  // values.
  uint32_t Find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? kNone : found->second;
  }
  // Of the hosts that have all entries of default_subset.
  uint32_t default_subset() const { return default_subset_; }
  const std::vector<HostTables>& tables() const { return tables_; }
  // Hosts that were left out of a subset because it has one of the same value already.
  size_t duplicates() const { return duplicates_; }

 private:
  void AddSelector(const std::vector<Host*>& hosts, const SubsetSettings::Selector& selector,
                   bool list_as_any, absl::flat_hash_map<std::string, std::vector<Host*>>& members);

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  absl::flat_hash_map<std::string, uint32_t, Hash, std::equal_to<>> by_name_;
  std::vector<HostTables> tables_;
  uint32_t default_subset_ = kNone;
  size_t duplicates_ = 0;
};

// How a cluster's subsets balance, for its localities may have no weights there.
BalancerSettings SettingsWithin(const BalancerSettings& cluster);

}  // namespace narthex
