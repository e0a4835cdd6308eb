#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/diagnostics.h"

namespace narthex {

// One value of a YAML or JSON document with the place where it stands. Its texts live in the Tree that it
// came from.
struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  bool plain = false;      // a scalar without quotes: its text may mean a number or a boolean
  bool map_entry = false;  // the name is a key of a map field, not the name of a field
  uint8_t file = 0;        // index into Tree::files
  uint32_t line = 0;       // 1-based; 0 when unknown
  uint32_t column = 0;     // 1-based, in characters
  uint32_t name_line = 0;  // of the key, for a child of a mapping
  uint32_t name_column = 0;
  std::string_view name;  // the key, for a child of a mapping
  std::string_view text;  // of a scalar
  std::vector<Node> children;

  const Node* Find(std::string_view child_name) const;
};

// What "found" says about a node in an error: `string "abc"`, `number 5`, `a list`, `a mapping`, `null`.
std::string DescribeNode(const Node& node);

// Whether a plain scalar is one of YAML's spellings of null, true and false (the core schema: no yes, no or
// on).
bool IsNullText(std::string_view text);
bool ParseBoolText(std::string_view text, bool& value);
// Whether a plain scalar is a number in YAML's core schema or JSON.
bool IsNumberText(std::string_view text);

struct TreeLimits {
  size_t max_bytes = size_t{64} << 20;
  size_t max_nodes = 4'000'000;  // with every alias expanded, so a "billion laughs" ends here
  size_t max_depth = 128;
};

// A parsed document. Move-only; loop-confined to the thread that loads it.
class Tree {
 public:
  Node root;
  std::vector<std::string> files;

  // Keeps a copy of `text` for as long as the tree lives.
  std::string_view Keep(std::string_view text);
  // Appends `other` to this one, taking its texts: mappings merge, lists are appended, other values replace.
  // This is what Message::MergeFrom does to the messages bound from the two.
  void Merge(Tree other);

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t used_ = 0;
  size_t capacity_ = 0;
};

// Parse `text`, called `file` in positions, as one YAML (1.2 core schema, anchors, aliases and merge keys) or
// strict JSON document. False when it is not well-formed, with the first error in `diagnostics`. Duplicate
// keys are all reported, and the first of each stays in the tree.
bool ParseYaml(std::string_view file, std::string_view text, const TreeLimits& limits, Tree& tree,
               Diagnostics& diagnostics);
bool ParseJson(std::string_view file, std::string_view text, const TreeLimits& limits, Tree& tree,
               Diagnostics& diagnostics);

}  // namespace narthex
