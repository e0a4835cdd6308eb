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

// Whether a switch of the configuration (envoy.config.core.v3.RuntimeFeatureFlag) is on: by the runtime,
// where 0 and false are off, else by its default; one that is not there is on.
template <class FeatureFlag>
bool RuntimeSwitch(const RuntimeLookup& runtime, bool is_there, const FeatureFlag& flag) {
  if (!is_there) return true;
  return RuntimeNumber(runtime, flag.runtime_key(), flag.default_value().value() ? 1 : 0) != 0;
}

}  // namespace narthex
