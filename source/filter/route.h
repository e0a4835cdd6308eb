#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/filter/http_filter.h"

namespace narthex {

// A filter's compiled configuration for one route. Derive one struct per filter.
class RouteFilterConfig {
 public:
  virtual ~RouteFilterConfig() = default;
};

// Where a setting came from, in words: "gateway.yaml:12:9: static_resources....routes[3]".
struct Provenance {
  std::string text;
};

// What the chain and the router need to know of the route that takes a request. Immutable; compiled by
// source/router, shared by all requests. Kept small: 10,000 of them must fit in a few MiB.
struct Route {
  virtual ~Route() = default;

  std::string name;
  std::string_view virtual_host;  // owned by the route table
  std::string cluster;            // empty: redirect, direct response, or chosen per request
  // The chain of this route, filters that are off left out; owned by the listener's filter chain
  // configuration.
  std::shared_ptr<const FilterChain> chain;
  // Those that take its place for requests of some kinds of tunnel, by the number of UpgradeRule::chain; null
  // when there are none.
  std::shared_ptr<const UpgradeChains> upgrade_chains;

  // Per-route configuration of the filter with this configured name, most specific first; null when there is
  // none.
  template <class T>
  const T* Config(std::string_view filter_name) const {
    for (const auto& [name, config] : filter_configs) {
      if (name == filter_name) return dynamic_cast<const T*>(config.get());
    }
    return nullptr;
  }
  std::vector<std::pair<std::string, std::shared_ptr<const RouteFilterConfig>>> filter_configs;
};

}  // namespace narthex
