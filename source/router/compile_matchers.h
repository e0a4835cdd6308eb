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
namespace envoy::type::matcher::v3 {
class StringMatcher;
}

// From configuration to matchers. Load time only. Errors go to the diagnostics with their position.
namespace narthex {

// False after an error.
bool CompileStringMatcher(const envoy::type::matcher::v3::StringMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, StringMatcher& matcher);
// The same for a header's matcher.
bool CompileHeaderMatcher(const envoy::config::route::v3::HeaderMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, HeaderMatcher& matcher);
// Null after an error.
std::unique_ptr<const Regex> CompileRegex(std::string_view expression, const ConfigPath& path,
                                          Diagnostics& diagnostics);
// Fills in what `route` matches. False after an error.
bool CompileMatch(const envoy::config::route::v3::RouteMatch& config, const ConfigPath& path,
                  RouteCompileContext& context, CompiledRoute& route);

}  // namespace narthex
