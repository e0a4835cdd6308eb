#pragma once

#include <map>
#include <memory>
#include <string>

#include "source/config/config_path.h"
#include "source/router/compiled_route.h"
#include "source/router/route_table.h"

namespace envoy::config::route::v3 {
class DirectResponseAction;
class RedirectAction;
class RouteAction;
}  // namespace envoy::config::route::v3
namespace envoy::type::matcher::v3 {
class RegexMatchAndSubstitute;
}  // namespace envoy::type::matcher::v3

// From configuration to actions. Load time only. Errors go to the diagnostics with their position; the result
// is then null.
namespace narthex {

// Compiles RouteActions; those that say the same of everything but the cluster share one object.
class ForwardCompiler {
 public:
  explicit ForwardCompiler(RouteCompileContext& context) : context_(context) {}
  std::shared_ptr<const ForwardAction> Compile(const envoy::config::route::v3::RouteAction& config,
                                               const ConfigPath& path);

 private:
  RouteCompileContext& context_;
  std::map<std::string, std::shared_ptr<const ForwardAction>> made_;  // by the message without its cluster
};

// The pattern of `config`, when its substitution fits it and may go into a path, a host or a hash; else null.
std::shared_ptr<const Regex> CompileSubstitution(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& config, const ConfigPath& path,
    Diagnostics& diagnostics);
// Whether `text` may go into a path or a host, which a space or a control character would end.
bool CheckRewrite(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics);
// Whether `text` may take the place of a request's host.
bool CheckHostRewrite(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics);

std::unique_ptr<const RedirectAction> CompileRedirect(const envoy::config::route::v3::RedirectAction& config,
                                                      const ConfigPath& path, Diagnostics& diagnostics);
// Reads the body's file or environment variable; a body beyond `max_body` bytes is an error.
std::unique_ptr<const DirectResponse> CompileDirectResponse(
    const envoy::config::route::v3::DirectResponseAction& config, const ConfigPath& path, uint64_t max_body,
    Diagnostics& diagnostics);

}  // namespace narthex
