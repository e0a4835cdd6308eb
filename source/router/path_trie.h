#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace narthex {

// Exact paths, prefixes and segment prefixes of a virtual host in one compressed trie: one walk down finds
// all that match a path, however many there are. Immutable once built, thread-safe, never allocates after.
class PathTrie {
 public:
  enum class Kind : uint8_t { kPrefix, kSegments, kExact };
  struct Entry {
    std::string_view key;  // borrowed during Build
    Kind kind;
    uint32_t value;
  };
  static constexpr uint32_t kNone = ~uint32_t{0};

  // With `fold`, keys are in lower case and paths of any case match.
  void Build(std::vector<Entry> entries, bool fold);
  bool empty() const { return nodes_.empty(); }

  // Where a path ended in the trie: the start for Next. `path` must outlive it.
  struct Place {
    std::string_view path;
    uint32_t terminal = kNone;
  };
  Place Find(std::string_view path) const;
  // The least value above `after` that matches (kNone before the first, as it wraps round to 0); kNone at
  // the end.
  uint32_t Next(const Place& place, uint32_t after) const;

 private:
  struct Node {
    uint32_t label = 0;  // into labels_
    uint32_t label_size = 0;
    uint32_t first_child = 0;  // children stand side by side, their first bytes in first_bytes_
    uint32_t child_count = 0;
    uint32_t terminal = kNone;
  };
  // A node where entries end. Values of one kind are sorted; `up` is the closest such node above.
  struct Terminal {
    uint32_t begin, prefix_end, segments_end, exact_end;
    uint32_t up;
    uint32_t depth;
  };
  struct Work;

  uint32_t AddTerminal(const std::vector<Entry>& entries, size_t from, size_t to, uint32_t up);
  void Expand(const std::vector<Entry>& entries, const Work& work, std::vector<Work>& queue);
  template <bool kFold>
  uint32_t Walk(std::string_view path) const;
  uint32_t LeastAbove(uint32_t begin, uint32_t end, uint32_t floor) const;

  std::vector<Node> nodes_;
  std::vector<char> first_bytes_;
  std::vector<Terminal> terminals_;
  std::vector<uint32_t> values_;
  std::string labels_;
  bool fold_ = false;
};

}  // namespace narthex
