#pragma once

#include <functional>
#include <optional>
#include <string_view>

namespace narthex {

// The number that the runtime's static layers give a key (a share: in percent), or nullopt. For load time:
// the layers change with the configuration only. May be empty, when there is no runtime.
using RuntimeLookup = std::function<std::optional<double>(std::string_view key)>;

// What the runtime says of `key`, else `otherwise`; an empty key is never there.
inline double RuntimeNumber(const RuntimeLookup& runtime, std::string_view key, double otherwise) {
  if (!runtime || key.empty()) return otherwise;
  return runtime(key).value_or(otherwise);
}

}  // namespace narthex
