#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/ascii.h"
#include "source/config/config_path.h"
#include "source/config/diagnostics.h"

namespace narthex {

// To which other protocols clients may change (upgrade_configs). Immutable.
class UpgradeRules {
 public:
  // Of a message with `upgrade_type` and `enabled`; one that is there twice is an error, as in Envoy.
  template <class Configs>
  static UpgradeRules Compile(const Configs& configs, const ConfigPath& path, Diagnostics& diagnostics) {
    UpgradeRules rules;
    for (int i = 0; i < configs.size(); ++i) {
      const auto& config = configs.Get(i);
      const std::string type = ToLowerAscii(config.upgrade_type());
      if (rules.Find(type)) {
        diagnostics.Error(path.Index(static_cast<size_t>(i)).Field("upgrade_type"),
                          "there is an entry for \"" + config.upgrade_type() + "\" already");
      }
      if (type == "h2c") {
        diagnostics.Error(path.Index(static_cast<size_t>(i)).Field("upgrade_type"),
                          "can't be allowed: requests within the tunnel would pass by routes and filters");
      }
      rules.rules_.push_back({type, !config.has_enabled() || config.enabled().value()});
    }
    return rules;
  }

  // Whether `type`, in any case, is allowed; null when nothing is said of it.
  std::optional<bool> Find(std::string_view type) const {
    for (const Rule& rule : rules_) {
      if (EqualsLower(type, rule.type)) return rule.enabled;
    }
    return std::nullopt;
  }

 private:
  struct Rule {
    std::string type;  // in lower case
    bool enabled;
  };
  std::vector<Rule> rules_;
};

}  // namespace narthex
