#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace narthex {

// What /runtime_modify has put into the runtime's admin layer. Reloads keep it, the end of the process does
// not. Thread-safe: pages write on the main loop, the configuration thread reads.
class AdminRuntime {
 public:
  static constexpr size_t kMaxKeys = 10'000;

  // Sets each key; an empty value takes it away. Changes nothing, and returns false, when there would be more
  // keys than kMaxKeys.
  bool Modify(const std::vector<std::pair<std::string, std::string>>& changes);
  // As JSON values by key, like those of Snapshot::runtime.
  std::map<std::string, std::string> Values() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> values_;  // guarded by mutex_
};

}  // namespace narthex
