#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/filter/http_filter.h"
#include "source/filter/registry.h"
#include "source/filter/route.h"

namespace google::protobuf {
class Any;
}

namespace narthex {

// typed_per_filter_config of one level (route configuration, virtual host, route, weighted cluster) in
// configuration order.
struct PerFilterConfigLevel {
  std::vector<std::pair<std::string, const google::protobuf::Any*>> entries;
  ConfigPath path;  // of the map
};

// What a route gets of its listener's filters.
struct RouteChain {
  std::shared_ptr<const FilterChain> chain;
  std::shared_ptr<const UpgradeChains> upgrade_chains;  // null: there are none
  std::vector<std::pair<std::string, std::shared_ptr<const RouteFilterConfig>>> configs;
};

// Makes the chains of a connection manager's routes: the configured filters less those that a level turns off
// (envoy.config.route.v3.FilterConfig.disabled), plus those it turns on; and likewise those of upgraded
// requests. Equal chains are shared. Load-time only.
class ChainBuilder {
 public:
  struct Filter {
    std::string name;
    std::shared_ptr<const HttpFilter> filter;
    const FilterFactory* factory;
    bool disabled;  // HttpFilter.disabled: off unless a route turns it on
  };
  ChainBuilder(std::vector<Filter> filters, const FilterRegistry& registry, Diagnostics& diagnostics,
               std::string stat_prefix);
  // The filters of one more chain, which Build makes beside the usual one: the next of upgrade_chains. A
  // filter of the same name in two chains must be of one type, for typed_per_filter_config speaks to both.
  void AddUpgradeChain(std::vector<Filter> filters) { upgrades_.push_back(std::move(filters)); }
  // What filters read while their per-route configuration is compiled.
  void UseRuntime(RuntimeLookup runtime) { runtime_ = std::move(runtime); }

  // `levels` from the least to the most specific. A name that is no filter of the chain is an error at its
  // position.
  RouteChain Build(const std::vector<const PerFilterConfigLevel*>& levels);

 private:
  // What the levels together say of one filter.
  struct Decision {
    bool on;
    std::vector<std::shared_ptr<const RouteFilterConfig>> configs;  // most specific first
  };
  // One entry of a level, compiled once however many routes inherit it.
  struct CompiledEntry {
    bool disabled = false;
    std::shared_ptr<const RouteFilterConfig> config;
  };

  using Levels = std::vector<const PerFilterConfigLevel*>;

  std::shared_ptr<const FilterChain> BuildChain(const std::vector<Filter>& filters, const Levels& levels,
                                                RouteChain& built);
  void CheckNames(const PerFilterConfigLevel& level);
  Decision Decide(const Filter& filter, const std::vector<const PerFilterConfigLevel*>& levels);
  const CompiledEntry& CompileEntry(const Filter& filter, const google::protobuf::Any& any,
                                    const ConfigPath& path);
  std::shared_ptr<const RouteFilterConfig> CompileConfig(const Filter& filter,
                                                         const google::protobuf::Any& any,
                                                         const ConfigPath& path);
  std::shared_ptr<const FilterChain> Share(FilterChain chain);

  template <class Visit>
  void ForEachFilter(Visit visit) const {
    for (const Filter& filter : filters_) visit(filter);
    for (const auto& filters : upgrades_) {
      for (const Filter& filter : filters) visit(filter);
    }
  }

  std::vector<Filter> filters_;
  std::vector<std::vector<Filter>> upgrades_;
  const FilterRegistry& registry_;
  Diagnostics& diagnostics_;
  std::string stat_prefix_;
  RuntimeLookup runtime_;
  std::vector<std::shared_ptr<const FilterChain>> made_;
  std::vector<std::shared_ptr<const UpgradeChains>> made_upgrades_;
  std::map<const google::protobuf::Any*, CompiledEntry> entries_;
};

}  // namespace narthex
