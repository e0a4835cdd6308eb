#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/origin.h"

namespace narthex {

struct Node;

// The position of every message, field and list element that a configuration writes, 24 bytes each; names are
// stored once. Built when a file is loaded and immutable afterwards, so any thread may read it. Use it
// through ConfigPath.
//
// An Any's own fields and those of the message that it carries are children of the same node: the path of a
// `typed_config` continues with the fields of the message inside.
class OriginMap {
 public:
  using Id = uint32_t;
  static constexpr Id kRoot = 0;
  static constexpr Id kAbsent = ~Id{0};

  // An empty document: only the root, at no position.
  OriginMap();
  // Copies positions and names out of `root`, which need not outlive the map. `files` are named by
  // Node::file.
  OriginMap(const Node& root, std::vector<std::string> files);

  OriginMap(const OriginMap&) = delete;
  OriginMap& operator=(const OriginMap&) = delete;

  // The child of `parent` called `name` (a field or a map key), or kAbsent.
  Id FindField(Id parent, std::string_view name) const;
  // The element `index` of the list `parent`, or kAbsent.
  Id FindElement(Id parent, size_t index) const;

  Origin OriginOf(Id id) const;
  std::string PathOf(Id id) const;
  // The origin of what `path` names ("static_resources.clusters[0].name"), or of its closest ancestor that is
  // written.
  Origin FindPath(std::string_view path) const;

  size_t node_count() const { return entries_.size(); }
  size_t memory_bytes() const;

 private:
  enum class Step : uint8_t { kField, kKey, kElement };

  struct Entry {
    Id parent = 0;
    uint32_t key = 0;  // index into names_, or the position in a list
    uint32_t line = 0;
    uint32_t first_child = 0;  // children are contiguous
    uint32_t child_count = 0;
    uint16_t column = 0;
    uint8_t file = 0;
    Step step = Step::kField;
  };
  static_assert(sizeof(Entry) == 24);

  uint32_t Intern(std::string_view name);
  void AppendChildren(const Node& node, Id id);
  void AppendStep(const Entry& entry, std::string& path) const;

  std::vector<Entry> entries_;
  std::vector<std::string_view> names_;  // into the keys of name_ids_, which do not move
  std::map<std::string, uint32_t, std::less<>> name_ids_;
  std::vector<std::string> files_;
};

}  // namespace narthex
