#include "source/config/tree_builder.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace narthex {
namespace {

size_t CountNodes(const Node& node) {
  size_t count = 1;
  for (const Node& child : node.children) count += CountNodes(child);
  return count;
}

size_t DepthOf(const Node& node) {
  size_t deepest = 0;
  for (const Node& child : node.children) deepest = std::max(deepest, DepthOf(child));
  return deepest + 1;
}

// Small mappings, which are nearly all, are compared without a set.
bool HasDuplicates(const std::vector<Node>& children) {
  constexpr size_t kFew = 16;
  if (children.size() > kFew) {
    std::set<std::string_view> names;
    return !std::all_of(children.begin(), children.end(),
                        [&](const Node& child) { return names.insert(child.name).second; });
  }
  for (size_t i = 1; i < children.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (children[i].name == children[j].name) return true;
    }
  }
  return false;
}

}  // namespace

TreeBuilder::TreeBuilder(std::string_view file, const TreeLimits& limits, Tree& tree,
                         Diagnostics& diagnostics)
    : file_(file), limits_(limits), tree_(tree), diagnostics_(diagnostics) {
  tree_.files.emplace_back(file);
}

bool TreeBuilder::CheckSize(size_t bytes) {
  if (bytes <= limits_.max_bytes) return true;
  return Fail({}, absl::StrCat("has ", bytes, " bytes; at most ", limits_.max_bytes, " are read"));
}

bool TreeBuilder::Fail(Position at, std::string_view message) {
  Origin origin{file_, static_cast<int>(at.line), static_cast<int>(at.column), Path()};
  diagnostics_.Add({std::move(origin), Severity::kError, std::string(message), {}});
  return false;
}

bool TreeBuilder::Count(Position at, size_t nodes) {
  nodes_ += nodes;
  if (nodes_ <= limits_.max_nodes) return true;
  return Fail(at, absl::StrCat("more than ", limits_.max_nodes, " values, aliases expanded"));
}

bool TreeBuilder::ExpectsKey() const {
  return !open_.empty() && open_.back().node.kind == Node::Kind::kMapping && !open_.back().has_key;
}

bool TreeBuilder::Begin(Position at, Node::Kind kind) {
  if (ExpectsKey()) return Fail(at, "a mapping key must be a scalar");
  if (open_.size() >= limits_.max_depth)
    return Fail(at, absl::StrCat("nested deeper than ", limits_.max_depth));
  if (!Count(at, 1)) return false;
  Open& open = open_.emplace_back();
  open.node.kind = kind;
  open.node.line = at.line;
  open.node.column = at.column;
  return true;
}

bool TreeBuilder::End(Node* anchor) {
  ResolveMapping(open_.back());
  Node node = std::move(open_.back().node);
  open_.pop_back();
  if (anchor != nullptr) {
    if (!Count({node.line, node.column}, CountNodes(node))) return false;
    *anchor = node;
  }
  return Place(std::move(node));
}

bool TreeBuilder::Key(Position at, std::string_view name, bool plain) {
  Open& open = open_.back();
  open.has_key = true;
  open.merge = plain && name == "<<";
  open.key_at = at;
  open.key = Keep(name);
  return true;
}

bool TreeBuilder::Add(Position at, Node node, Node* anchor) {
  if (!Count(at, 1)) return false;
  node.line = at.line;
  node.column = at.column;
  if (anchor != nullptr) *anchor = node;
  return Place(std::move(node));
}

bool TreeBuilder::AddCopy(Position at, const Node& node) {
  if (!Count(at, CountNodes(node))) return false;
  if (open_.size() + DepthOf(node) > limits_.max_depth + 1) {
    return Fail(at, absl::StrCat("nested deeper than ", limits_.max_depth));
  }
  return Place(node);
}

bool TreeBuilder::Place(Node node) {
  if (open_.empty()) {
    has_root_ = true;
    tree_.root = std::move(node);
    return true;
  }
  Open& open = open_.back();
  if (open.node.kind == Node::Kind::kMapping) {
    open.has_key = false;
    if (open.merge) return Merge(open, std::move(node));
    node.name = open.key;
    node.name_line = open.key_at.line;
    node.name_column = open.key_at.column;
  }
  open.node.children.push_back(std::move(node));
  return true;
}

bool TreeBuilder::Merge(Open& open, Node node) {
  std::vector<Node> sources;
  if (node.kind == Node::Kind::kSequence) {
    sources = std::move(node.children);
  } else {
    sources.push_back(std::move(node));
  }
  for (Node& source : sources) {
    if (source.kind != Node::Kind::kMapping) {
      return Fail(open.key_at, "the value of a merge key << must be a mapping or a list of mappings");
    }
    for (Node& child : source.children) open.merged.push_back(std::move(child));
  }
  return true;
}

// Drops duplicate keys, each of which is an error, so that what else is wrong is found in the same run. Then
// adds what the merge keys bring and the mapping does not say itself.
void TreeBuilder::ResolveMapping(Open& open) {
  if (open.node.kind != Node::Kind::kMapping) return;
  if (HasDuplicates(open.node.children)) DropDuplicates(open.node.children);
  for (Node& child : open.merged) {
    if (open.node.Find(child.name) == nullptr) open.node.children.push_back(std::move(child));
  }
}

void TreeBuilder::DropDuplicates(std::vector<Node>& children) {
  std::map<std::string_view, Position> first;
  std::vector<Node> kept;
  for (Node& child : children) {
    auto [seen, is_new] = first.try_emplace(child.name, Position{child.name_line, child.name_column});
    if (is_new) {
      kept.push_back(std::move(child));
      continue;
    }
    Fail({child.name_line, child.name_column},
         absl::StrCat("duplicate key \"", std::string(child.name), "\", first at line ", seen->second.line,
                      ", column ", seen->second.column));
  }
  children = std::move(kept);
}

std::string TreeBuilder::Path() const {
  std::string path;
  for (const Open& open : open_) {
    if (&open == &open_.back() && !open.has_key && open.node.kind == Node::Kind::kMapping) break;
    if (open.node.kind == Node::Kind::kSequence) {
      absl::StrAppend(&path, "[", open.node.children.size(), "]");
    } else {
      absl::StrAppend(&path, path.empty() ? "" : ".", std::string(open.key));
    }
  }
  return path;
}

}  // namespace narthex
