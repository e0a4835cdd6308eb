#pragma once

#include <memory>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/hash_policy.h"

namespace envoy::config::route::v3 {
class RouteAction;
}  // namespace envoy::config::route::v3

namespace narthex {

// Compiles the hash policies of `config`, at `path`. Load time only. Null when there are none, and after an
// error, which goes to the diagnostics.
std::shared_ptr<const HashPolicies> CompileHashPolicies(const envoy::config::route::v3::RouteAction& config,
                                                        const ConfigPath& path, Diagnostics& diagnostics);

}  // namespace narthex
