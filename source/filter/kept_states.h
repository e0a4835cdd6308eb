#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "source/filter/registry.h"

namespace narthex {

// What filters have learned of their traffic, and should not forget because a reload compiled them anew: the
// filter of the new configuration gets the state of the one in the same place of the old configuration, which
// both use while the old one's requests last. One object for each kind of state. For load time; thread-safe.
template <class State>
class KeptStates {
 public:
  // The state of this place if a filter that uses it is left and `fits` says yes to it, else what `make`
  // makes.
  std::shared_ptr<State> Find(const FilterContext& context, const std::function<bool(const State&)>& fits,
                              const std::function<std::shared_ptr<State>()>& make) {
    const std::string place =
        context.stat_prefix + '\n' + context.filter_name + '\n' + context.path.ToString();
    std::lock_guard lock(mutex_);
    std::erase_if(states_, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<State>& known = states_[place];
    std::shared_ptr<State> state = known.lock();
    if (state == nullptr || !fits(*state)) known = state = make();
    return state;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<State>> states_;  // guarded by mutex_
};

}  // namespace narthex
