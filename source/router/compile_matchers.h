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

// From configuration to matchers. Load time only. Errors go to the diagnostics with their position.
namespace narthex {

// False after an error.
bool CompileHeaderMatcher(const envoy::config::route::v3::HeaderMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, HeaderMatcher& matcher);
// Fills in what `route` matches. False after an error.
bool CompileMatch(const envoy::config::route::v3::RouteMatch& config, const ConfigPath& path,
                  RouteCompileContext& context, CompiledRoute& route);

}  // namespace narthex
