#pragma once

#include <memory>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/retry_policy.h"

namespace envoy::config::route::v3 {
class RetryPolicy;
}

namespace narthex {

// Load time only. Null after an error, which goes to the diagnostics with its position.
std::shared_ptr<const RetryPolicy> CompileRetryPolicy(const envoy::config::route::v3::RetryPolicy& config,
                                                      const ConfigPath& path, Diagnostics& diagnostics);

}  // namespace narthex
