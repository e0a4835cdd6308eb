#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/document.h"
#include "source/manager/hcm_config.h"

namespace narthex {

// A connection manager compiled from text, with filters of the test's own: the last one answers 200 with what
// it saw in headers ("x-path", "x-host"), or never when the path is "/slow".
class CompiledHcm {
 public:
  // `fields` is YAML of HttpConnectionManager without stat_prefix; routes and the router are added unless it
  // has them.
  explicit CompiledHcm(std::string_view fields, Profile profile = Profile::kEnvoy);

  const std::shared_ptr<const HcmConfig>& config() const { return config_; }
  const HcmConfig& operator*() const { return *config_; }
  std::string errors() const { return diagnostics_.ToText(); }

 private:
  ConfigDocument document_;
  Diagnostics diagnostics_;
  std::shared_ptr<const HcmConfig> config_;
};

}  // namespace narthex
