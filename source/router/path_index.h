#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "source/router/path_trie.h"

namespace re2 {
class RE2;
}

namespace narthex {

struct CompiledRoute;

// Finds which routes of a virtual host match a path, in configured order, without trying every route: tries
// for paths and prefixes, one automaton for all expressions. Immutable once built, thread-safe.
class PathIndex {
 public:
  static constexpr uint32_t kNone = PathTrie::kNone;

  PathIndex();
  PathIndex(PathIndex&&) noexcept;
  ~PathIndex();
  // `routes` must outlive the index. Those that match no path at all (connect_matcher) are not in it.
  void Build(const std::vector<std::unique_ptr<CompiledRoute>>& routes);

  // Yields the positions of the routes that match `path` (without query), in rising order.
  class Candidates {
   public:
    Candidates(const PathIndex& index, std::string_view path)
        : index_(index), path_(path), sensitive_(index.sensitive_.Find(path)) {
      if (!index.folded_.empty()) folded_ = index.folded_.Find(path);
    }
    // kNone at the end.
    uint32_t Next();

   private:
    const PathIndex& index_;
    std::string_view path_;
    PathTrie::Place sensitive_;
    PathTrie::Place folded_;
    uint32_t last_ = kNone;
    bool searched_ = false;  // the expressions were matched together
  };

 private:
  struct Expression {
    uint32_t value;
    const CompiledRoute* route;
  };
  struct Automaton;
  // The least matching expression with a value in [floor, limit), or kNone.
  uint32_t NextExpression(std::string_view path, uint32_t floor, uint32_t limit, bool& searched) const;

  PathTrie sensitive_;
  PathTrie folded_;
  std::vector<Expression> expressions_;
  std::unique_ptr<Automaton> automaton_;  // null when there are few expressions or they did not fit
};

}  // namespace narthex
