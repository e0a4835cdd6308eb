#include "source/server/admin_runtime.h"

#include "source/base/escape.h"

namespace narthex {

bool AdminRuntime::Modify(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::lock_guard lock(mutex_);
  std::map<std::string, std::string> next = values_;
  for (const auto& [key, value] : changes) {
    if (value.empty()) {
      next.erase(key);
      continue;
    }
    std::string json = "\"";
    AppendJsonEscaped(json, value);
    next[key] = json + '"';
  }
  if (next.size() > kMaxKeys) return false;
  values_ = std::move(next);
  return true;
}

std::map<std::string, std::string> AdminRuntime::Values() const {
  std::lock_guard lock(mutex_);
  return values_;
}

}  // namespace narthex
