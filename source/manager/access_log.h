#pragma once

#include <memory>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/manager/access_log_filter.h"
#include "source/manager/access_log_sink.h"
#include "source/substitution/output_format.h"

namespace envoy::config::accesslog::v3 {
class AccessLog;
}

namespace narthex {

// One access log of a connection manager: which exchanges, in which form, to where. Immutable, thread-safe.
class AccessLog {
 public:
  // Null after errors were added to `diagnostics`. Opens and writes nothing: a file is made with its first
  // line; one that could not be opened now is an error.
  static std::shared_ptr<const AccessLog> Compile(const envoy::config::accesslog::v3::AccessLog& config,
                                                  const ConfigPath& path, Diagnostics& diagnostics,
                                                  const RuntimeLookup& runtime = {});

  AccessLog(std::unique_ptr<const AccessLogFilter> filter, OutputFormat format,
            std::shared_ptr<AccessLogSink> sink)
      : filter_(std::move(filter)), format_(std::move(format)), sink_(std::move(sink)) {}

  // Writes the line of an exchange that has ended, if the filter lets it pass. Never waits for the disk.
  void Log(const FormatContext& context) const;

 private:
  std::unique_ptr<const AccessLogFilter> filter_;  // null: all
  OutputFormat format_;
  std::shared_ptr<AccessLogSink> sink_;
};

}  // namespace narthex
