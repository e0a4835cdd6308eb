#include "source/config/origin_map.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "source/config/config_path.h"
#include "source/config/tree.h"

namespace narthex {
namespace {

size_t CountNodes(const Node& node) {
  size_t count = 1;
  for (const Node& child : node.children) count += CountNodes(child);
  return count;
}

// Takes the next step off `path`: `name`, `[3]` or `["key"]`.
std::string_view TakeStep(std::string_view& path) {
  if (path.starts_with('.')) path.remove_prefix(1);
  size_t end = path.find_first_of(".[", 1);
  if (path.starts_with("[\"")) {
    size_t close = path.find("\"]");
    end = close == std::string_view::npos ? close : close + 2;
  } else if (path.starts_with('[')) {
    size_t close = path.find(']');
    end = close == std::string_view::npos ? close : close + 1;
  }
  std::string_view step = path.substr(0, end);
  path.remove_prefix(step.size());
  return step;
}

}  // namespace

OriginMap::OriginMap() : entries_(1) {}

OriginMap::OriginMap(const Node& root, std::vector<std::string> files) : files_(std::move(files)) {
  size_t count = CountNodes(root);
  entries_.reserve(count);
  std::vector<const Node*> nodes;
  nodes.reserve(count);
  Entry top;
  top.line = root.line;
  top.column = static_cast<uint16_t>(std::min<uint32_t>(root.column, UINT16_MAX));
  top.file = root.file;
  entries_.push_back(top);
  nodes.push_back(&root);
  // Breadth first, so that the children of a node stand side by side.
  for (Id id = 0; id < nodes.size(); ++id) {
    const Node& node = *nodes[id];
    AppendChildren(node, id);
    for (const Node& child : node.children) nodes.push_back(&child);
  }
}

void OriginMap::AppendChildren(const Node& node, Id id) {
  entries_[id].first_child = static_cast<uint32_t>(entries_.size());
  entries_[id].child_count = static_cast<uint32_t>(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = node.children[i];
    bool element = node.kind == Node::Kind::kSequence;
    // The key is where a person looks for a field; the value is where they look for a list element.
    uint32_t column = element || child.name_line == 0 ? child.column : child.name_column;
    Entry entry;
    entry.parent = id;
    entry.step = element ? Step::kElement : child.map_entry ? Step::kKey : Step::kField;
    entry.key = element ? static_cast<uint32_t>(i) : Intern(child.name);
    entry.line = element || child.name_line == 0 ? child.line : child.name_line;
    entry.column = static_cast<uint16_t>(std::min<uint32_t>(column, UINT16_MAX));
    entry.file = child.file;
    entries_.push_back(entry);
  }
}

uint32_t OriginMap::Intern(std::string_view name) {
  auto found = name_ids_.find(name);
  if (found != name_ids_.end()) return found->second;
  uint32_t id = static_cast<uint32_t>(names_.size());
  auto added = name_ids_.emplace(name, id).first;
  names_.push_back(added->first);
  return id;
}

OriginMap::Id OriginMap::FindField(Id parent, std::string_view name) const {
  auto found = name_ids_.find(name);
  if (found == name_ids_.end()) return kAbsent;
  const Entry& entry = entries_[parent];
  for (Id id = entry.first_child; id < entry.first_child + entry.child_count; ++id) {
    if (entries_[id].step != Step::kElement && entries_[id].key == found->second) return id;
  }
  return kAbsent;
}

OriginMap::Id OriginMap::FindElement(Id parent, size_t index) const {
  const Entry& entry = entries_[parent];
  if (index >= entry.child_count) return kAbsent;
  Id id = entry.first_child + static_cast<Id>(index);
  return entries_[id].step == Step::kElement ? id : kAbsent;
}

Origin OriginMap::OriginOf(Id id) const {
  const Entry& entry = entries_[id];
  Origin origin;
  if (entry.file < files_.size()) origin.file = files_[entry.file];
  origin.line = static_cast<int>(entry.line);
  origin.column = entry.column;
  origin.path = PathOf(id);
  return origin;
}

void OriginMap::AppendStep(const Entry& entry, std::string& path) const {
  switch (entry.step) {
    case Step::kElement:
      path += "[" + std::to_string(entry.key) + "]";
      return;
    case Step::kKey:
      path.append("[\"").append(names_[entry.key]).append("\"]");
      return;
    case Step::kField:
      if (!path.empty()) path.push_back('.');
      path.append(names_[entry.key]);
      return;
  }
}

std::string OriginMap::PathOf(Id id) const {
  std::vector<Id> steps;
  for (; id != kRoot; id = entries_[id].parent) steps.push_back(id);
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) AppendStep(entries_[*step], path);
  return path;
}

Origin OriginMap::FindPath(std::string_view path) const {
  ConfigPath place(*this);
  while (!path.empty()) {
    std::string_view step = TakeStep(path);
    if (step.starts_with("[\"") && step.ends_with("\"]")) {
      place = place.Key(step.substr(2, step.size() - 4));
    } else if (step.starts_with('[')) {
      size_t index = std::numeric_limits<size_t>::max();
      std::from_chars(step.data() + 1, step.data() + step.size(), index);
      place = place.Index(index);
    } else {
      place = place.Field(step);
    }
  }
  return place.Origin();
}

size_t OriginMap::memory_bytes() const {
  size_t bytes = entries_.capacity() * sizeof(Entry) + names_.capacity() * sizeof(std::string_view);
  for (const auto& [name, id] : name_ids_)
    bytes += name.capacity() + sizeof(name) + sizeof(id) + 4 * sizeof(void*);
  return bytes;
}

}  // namespace narthex
