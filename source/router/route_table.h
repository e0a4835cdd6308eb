#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/filter/chain_builder.h"
#include "source/filter/route.h"
#include "source/filter/runtime.h"
#include "source/http/message.h"

namespace envoy::config::route::v3 {
class RouteConfiguration;
}

namespace narthex {

struct CompiledRoute;  // source/router/compiled_route.h: Route with its match, action, mutations and timeouts

// What a match looks at beside the headers (which hold :path, :authority, :scheme and :method).
struct RouteInput {
  const HeaderMap& headers;
  const Exchange* exchange = nullptr;  // dynamic metadata; null offline
  uint64_t random = 0;                 // runtime fractions and weighted clusters: 64 random bits
};

// What a table needs to be compiled. Lives only during Compile.
struct RouteCompileContext {
  Diagnostics& diagnostics;
  ChainBuilder& chains;
  // Whether a cluster of this name exists (validate_clusters).
  std::function<bool(std::string_view)> has_cluster;
  bool validate_clusters_by_default = true;
  bool edge_profile = true;
  RuntimeLookup runtime = {};
  // A cluster's name in statistics; null: its own.
  std::function<std::string(std::string_view)> stat_name = {};
};

// A RouteConfiguration compiled for matching: first match in configured order, found without trying every
// route. Immutable, thread-safe.
class RouteTable {
 public:
  virtual ~RouteTable() = default;
  // Null after errors were added to the diagnostics.
  static std::shared_ptr<const RouteTable> Compile(const envoy::config::route::v3::RouteConfiguration& config,
                                                   ConfigPath path, RouteCompileContext& context);

  virtual const std::string& name() const = 0;
  // The route that takes the request, or null. Does not allocate.
  virtual const CompiledRoute* Match(const RouteInput& input) const = 0;
  // The same by trying every route in order: the oracle of the tests.
  virtual const CompiledRoute* MatchLinear(const RouteInput& input) const = 0;
  // Why: every virtual host and route tried, each with the first predicate that failed, as lines for
  // `explain`.
  virtual std::vector<std::string> ExplainMatch(const RouteInput& input) const = 0;
};

}  // namespace narthex
