#include "source/router/path_trie.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "source/base/ascii.h"

namespace narthex {

// Entries [from, to) share their first `depth` bytes and belong below `node`.
struct PathTrie::Work {
  size_t from;
  size_t to;
  size_t depth;
  uint32_t node;
  uint32_t up;
};

void PathTrie::Build(std::vector<Entry> entries, bool fold) {
  fold_ = fold;
  if (entries.empty()) return;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.key, a.kind, a.value) < std::tie(b.key, b.kind, b.value);
  });
  nodes_.emplace_back();
  first_bytes_.push_back('\0');
  // Breadth first and without recursion: a key may be as long as a configuration makes it.
  std::vector<Work> queue{{0, entries.size(), 0, 0, kNone}};
  for (size_t i = 0; i < queue.size(); ++i) {
    Work work = queue[i];
    Expand(entries, work, queue);
  }
  nodes_.shrink_to_fit();
  first_bytes_.shrink_to_fit();
  terminals_.shrink_to_fit();
  values_.shrink_to_fit();
  labels_.shrink_to_fit();
}

void PathTrie::Expand(const std::vector<Entry>& entries, const Work& work, std::vector<Work>& queue) {
  std::string_view first = entries[work.from].key;
  std::string_view last = entries[work.to - 1].key;
  size_t depth = work.depth;
  while (depth < first.size() && depth < last.size() && first[depth] == last[depth]) ++depth;
  nodes_[work.node].label = static_cast<uint32_t>(labels_.size());
  nodes_[work.node].label_size = static_cast<uint32_t>(depth - work.depth);
  labels_.append(first.substr(work.depth, depth - work.depth));

  size_t at = work.from;
  while (at < work.to && entries[at].key.size() == depth) ++at;
  uint32_t up = work.up;
  if (at > work.from) up = nodes_[work.node].terminal = AddTerminal(entries, work.from, at, work.up);

  auto first_child = static_cast<uint32_t>(nodes_.size());
  nodes_[work.node].first_child = first_child;
  while (at < work.to) {
    char byte = entries[at].key[depth];
    size_t end = at;
    while (end < work.to && entries[end].key[depth] == byte) ++end;
    queue.push_back({at, end, depth, static_cast<uint32_t>(nodes_.size()), up});
    nodes_.emplace_back();
    first_bytes_.push_back(byte);
    at = end;
  }
  nodes_[work.node].child_count = static_cast<uint32_t>(nodes_.size()) - first_child;
}

uint32_t PathTrie::AddTerminal(const std::vector<Entry>& entries, size_t from, size_t to, uint32_t up) {
  Terminal terminal{};
  terminal.begin = static_cast<uint32_t>(values_.size());
  terminal.up = up;
  terminal.depth = static_cast<uint32_t>(entries[from].key.size());
  size_t at = from;
  auto take = [&](Kind kind) {
    for (; at < to && entries[at].kind == kind; ++at) values_.push_back(entries[at].value);
    return static_cast<uint32_t>(values_.size());
  };
  terminal.prefix_end = take(Kind::kPrefix);
  terminal.segments_end = take(Kind::kSegments);
  terminal.exact_end = take(Kind::kExact);
  terminals_.push_back(terminal);
  return static_cast<uint32_t>(terminals_.size() - 1);
}

template <bool kFold>
uint32_t PathTrie::Walk(std::string_view path) const {
  uint32_t terminal = kNone;
  const Node* node = nodes_.data();
  const char* at = path.data();
  const char* end = at + path.size();
  while (true) {
    const char* label = labels_.data() + node->label;
    if (static_cast<size_t>(end - at) < node->label_size) return terminal;
    if constexpr (kFold) {
      if (!EqualsLower({at, node->label_size}, {label, node->label_size})) return terminal;
    } else {
      if (std::memcmp(at, label, node->label_size) != 0) return terminal;
    }
    at += node->label_size;
    if (node->terminal != kNone) terminal = node->terminal;
    if (at == end || node->child_count == 0) return terminal;
    const char* bytes = first_bytes_.data() + node->first_child;
    const void* found = std::memchr(bytes, kFold ? LowerAscii(*at) : *at, node->child_count);
    if (found == nullptr) return terminal;
    node = nodes_.data() + node->first_child + (static_cast<const char*>(found) - bytes);
  }
}

PathTrie::Place PathTrie::Find(std::string_view path) const {
  if (nodes_.empty()) return {path, kNone};
  return {path, fold_ ? Walk<true>(path) : Walk<false>(path)};
}

uint32_t PathTrie::LeastAbove(uint32_t begin, uint32_t end, uint32_t floor) const {
  const uint32_t* from = values_.data() + begin;
  const uint32_t* to = values_.data() + end;
  const uint32_t* found = std::lower_bound(from, to, floor);
  return found == to ? kNone : *found;
}

uint32_t PathTrie::Next(const Place& place, uint32_t after) const {
  uint32_t floor = after + 1;  // kNone wraps round to 0
  uint32_t least = kNone;
  for (uint32_t at = place.terminal; at != kNone; at = terminals_[at].up) {
    const Terminal& terminal = terminals_[at];
    bool whole = terminal.depth == place.path.size();
    least = std::min(least, LeastAbove(terminal.begin, terminal.prefix_end, floor));
    if (whole || place.path[terminal.depth] == '/') {
      least = std::min(least, LeastAbove(terminal.prefix_end, terminal.segments_end, floor));
    }
    if (whole) least = std::min(least, LeastAbove(terminal.segments_end, terminal.exact_end, floor));
  }
  return least;
}

}  // namespace narthex
