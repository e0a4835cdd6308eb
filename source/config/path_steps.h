#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace narthex {

// The steps down to the value that a reader is at; put into text only for an error. Names and keys must
// outlive their step.
class PathSteps {
 public:
  void Field(std::string_view name) { steps_.push_back({Kind::kField, 0, name}); }
  void Index(size_t index) { steps_.push_back({Kind::kIndex, index, {}}); }
  void Key(std::string_view key) { steps_.push_back({Kind::kKey, 0, key}); }
  void Pop() { steps_.pop_back(); }

  // "static_resources.clusters[0].name", "labels[\"a\"]".
  std::string ToString() const {
    std::string path;
    for (const Step& step : steps_) {
      if (step.kind == Kind::kIndex) {
        path.append("[").append(std::to_string(step.index)).append("]");
      } else if (step.kind == Kind::kKey) {
        path.append("[\"").append(step.text).append("\"]");
      } else {
        path.append(path.empty() ? "" : ".").append(step.text);
      }
    }
    return path;
  }

 private:
  enum class Kind { kField, kIndex, kKey };
  struct Step {
    Kind kind;
    size_t index;
    std::string_view text;
  };

  std::vector<Step> steps_;
};

}  // namespace narthex
