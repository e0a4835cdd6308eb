#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/ascii.h"
#include "source/config/config_path.h"
#include "source/config/diagnostics.h"

namespace narthex {

// What is said of one kind of tunnel: of another protocol, or of CONNECT.
struct UpgradeRule {
  std::string type;  // in lower case
  bool enabled = true;
  // The number of the chain that its requests go through in place of the usual one (`filters`), among those
  // of the rules that have one.
  std::optional<uint32_t> chain = std::nullopt;
};

// To which other protocols clients may change, and whether they may CONNECT (upgrade_configs). Immutable.
class UpgradeRules {
 public:
  // Of a message with `upgrade_type` and `enabled`, perhaps with `filters`; one that is there twice is an
  // error, as in Envoy.
  template <class Configs>
  static UpgradeRules Compile(const Configs& configs, const ConfigPath& path, Diagnostics& diagnostics) {
    UpgradeRules rules;
    uint32_t chains = 0;
    for (int i = 0; i < configs.size(); ++i) {
      const auto& config = configs.Get(i);
      const std::string type = ToLowerAscii(config.upgrade_type());
      if (rules.Find(type) != nullptr) {
        diagnostics.Error(path.Index(static_cast<size_t>(i)).Field("upgrade_type"),
                          "there is an entry for \"" + config.upgrade_type() + "\" already");
      }
      if (type == "h2c") {
        diagnostics.Error(path.Index(static_cast<size_t>(i)).Field("upgrade_type"),
                          "can't be allowed: requests within the tunnel would pass by routes and filters");
      }
      UpgradeRule rule{type, !config.has_enabled() || config.enabled().value()};
      if constexpr (requires { config.filters(); }) {
        if (config.filters_size() > 0) rule.chain = chains++;
      }
      rules.rules_.push_back(std::move(rule));
    }
    return rules;
  }

  // What is said of `type`, in any case; null when nothing is.
  const UpgradeRule* Find(std::string_view type) const {
    for (const UpgradeRule& rule : rules_) {
      if (EqualsLower(type, rule.type)) return &rule;
    }
    return nullptr;
  }

 private:
  std::vector<UpgradeRule> rules_;
};

}  // namespace narthex
