#pragma once

#include <memory>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/filter/runtime.h"
#include "source/substitution/formatter.h"

namespace envoy::config::accesslog::v3 {
class AccessLogFilter;
}

namespace narthex {

// Which exchanges a log takes, or a local reply mapper applies to. Immutable, thread-safe.
class AccessLogFilter {
 public:
  virtual ~AccessLogFilter() = default;
  virtual bool Passes(const FormatContext& context) const = 0;
};

// Null after errors were added to `diagnostics`. What `runtime` says goes before the configured numbers.
std::unique_ptr<const AccessLogFilter> CompileAccessLogFilter(
    const envoy::config::accesslog::v3::AccessLogFilter& config, const ConfigPath& path,
    Diagnostics& diagnostics, const RuntimeLookup& runtime = {});

}  // namespace narthex
