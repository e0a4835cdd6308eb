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

}  // namespace narthex
