#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/diagnostics.h"
#include "source/config/tree.h"

namespace narthex {

struct Position {
  uint32_t line = 0;  // 1-based
  uint32_t column = 0;
};

// What the YAML and the JSON reader share: puts nodes together, keeps within the limits, finds duplicate keys
// and resolves merge keys. Each call returns false when parsing cannot go on; the error is then in the
// diagnostics.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view file, const TreeLimits& limits, Tree& tree, Diagnostics& diagnostics);

  bool CheckSize(size_t bytes);
  bool Begin(Position at, Node::Kind kind);
  // Closes the collection begun last; copies it to `anchor` when not null.
  bool End(Node* anchor);
  // Whether the next scalar is a key rather than a value.
  bool ExpectsKey() const;
  bool Key(Position at, std::string_view name, bool plain);
  bool Add(Position at, Node node, Node* anchor);
  // Adds a copy of `node`, which keeps its own positions: that is where its text is to be changed.
  bool AddCopy(Position at, const Node& node);

  std::string_view Keep(std::string_view text) { return tree_.Keep(text); }
  // Adds an error at `at` and returns false.
  bool Fail(Position at, std::string_view message);

 private:
  struct Open {
    Node node;
    bool has_key = false;
    bool merge = false;  // the key is a plain `<<`
    Position key_at;
    std::string_view key;
    std::vector<Node> merged;  // what merge keys bring, in order of precedence
  };

  bool Count(Position at, size_t nodes);
  bool Place(Node node);
  bool Merge(Open& open, Node node);
  void ResolveMapping(Open& open);
  void DropDuplicates(std::vector<Node>& children);
  std::string Path() const;

  std::string file_;
  const TreeLimits& limits_;
  Tree& tree_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
  size_t nodes_ = 0;
  bool has_root_ = false;
};

}  // namespace narthex
