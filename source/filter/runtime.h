#pragma once

#include <functional>
#include <optional>
#include <string_view>

namespace narthex {

// The number that the runtime's layers give a key (a share: in percent), or nullopt. For load time:
// a change of the layers makes a new configuration. May be empty, when there is no runtime.
using RuntimeLookup = std::function<std::optional<double>(std::string_view key)>;

// What the runtime says of `key`, else `otherwise`; an empty key is never there.
inline double RuntimeNumber(const RuntimeLookup& runtime, std::string_view key, double otherwise) {
  if (!runtime || key.empty()) return otherwise;
  return runtime(key).value_or(otherwise);
}

// Whether the runtime's layers switch a key on or off, or nullopt; likewise.
using RuntimeSwitches = std::function<std::optional<bool>(std::string_view key)>;

// Whether a switch of the configuration (envoy.config.core.v3.RuntimeFeatureFlag) is on: by the runtime, else
// by its default. One that is not there is on.
template <class FeatureFlag>
bool IsSwitchedOn(const RuntimeSwitches& switches, bool is_there, const FeatureFlag& flag) {
  if (!is_there) return true;
  const bool otherwise = flag.default_value().value();
  if (!switches || flag.runtime_key().empty()) return otherwise;
  return switches(flag.runtime_key()).value_or(otherwise);
}

}  // namespace narthex
