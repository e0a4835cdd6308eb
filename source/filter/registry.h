#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/filter/http_filter.h"
#include "source/filter/route.h"
#include "source/filter/runtime.h"

namespace google::protobuf {
class Any;
}

namespace narthex {

// What a filter may use while it is compiled. Lives only during that call.
struct FilterContext {
  ConfigPath path;           // of the typed_config: errors name it
  Diagnostics& diagnostics;  // where errors and warnings go
  std::string filter_name;   // the name that the chain gives this filter; the key of per-route configuration
  std::string stat_prefix;   // "http.<hcm stat_prefix>."
  std::string node_cluster;  // node.cluster of the bootstrap
  RuntimeLookup runtime = {};
  RuntimeSwitches switches = {};  // not for per-route configuration
};

// How a filter is made from its configuration message. Both functions return null after they have added an
// error.
struct FilterFactory {
  std::string_view name;        // "envoy.filters.http.buffer"
  std::string_view type;        // full name of its message, "envoy.extensions.filters.http.buffer.v3.Buffer"
  std::string_view route_type;  // of its per-route message; empty when it takes none
  bool terminal = false;        // answers by itself: must be the last of a chain (the router)
  std::shared_ptr<const HttpFilter> (*make)(const google::protobuf::Any& config, FilterContext& context);
  std::shared_ptr<const RouteFilterConfig> (*make_route)(const google::protobuf::Any& config,
                                                         FilterContext& context);
};

// The factories by message type: the built-in table (filters/registry.cc) and what modules add before
// configuration is loaded. Immutable once the first configuration is loaded.
class FilterRegistry {
 public:
  explicit FilterRegistry(std::span<const FilterFactory> built_in)
      : factories_(built_in.begin(), built_in.end()) {}
  void Add(FilterFactory factory) { factories_.push_back(factory); }
  // By the message's full name; null when there is none.
  const FilterFactory* FindByType(std::string_view type) const;
  const FilterFactory* FindByRouteType(std::string_view type) const;
  std::span<const FilterFactory> all() const { return factories_; }

 private:
  std::vector<FilterFactory> factories_;
};

}  // namespace narthex
