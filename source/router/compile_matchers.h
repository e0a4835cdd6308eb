#pragma once

#include <memory>
#include <string_view>

#include "source/config/config_path.h"
#include "source/router/compiled_route.h"
#include "source/router/matchers.h"
#include "source/router/route_table.h"

namespace envoy::config::route::v3 {
class HeaderMatcher;
class RouteMatch;
}  // namespace envoy::config::route::v3
namespace envoy::config::core::v3 {
class RuntimeFractionalPercent;
}
namespace envoy::type::v3 {
class FractionalPercent;
}

// From configuration to matchers. Load time only. Errors go to the diagnostics with their position.
namespace narthex {

// False after an error.
bool CompileHeaderMatcher(const envoy::config::route::v3::HeaderMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, HeaderMatcher& matcher);
// Above 100% there is nothing: a warning, and all requests, as in Envoy.
FractionMatcher CompileFraction(const envoy::type::v3::FractionalPercent& config, const ConfigPath& path,
                                Diagnostics& diagnostics);
// The same, unless the runtime says otherwise.
FractionMatcher CompileRuntimeFraction(const envoy::config::core::v3::RuntimeFractionalPercent& config,
                                       const ConfigPath& path, const RouteCompileContext& context);
// Fills in what `route` matches. False after an error.
bool CompileMatch(const envoy::config::route::v3::RouteMatch& config, const ConfigPath& path,
                  RouteCompileContext& context, CompiledRoute& route);

}  // namespace narthex
