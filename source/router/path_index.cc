#include "source/router/path_index.h"

#include <algorithm>

#include "re2/re2.h"
#include "re2/set.h"
#include "source/router/compiled_route.h"

namespace narthex {
namespace {

// From this many expressions on, one automaton is faster than one after the other.
constexpr size_t kAutomatonFrom = 4;
constexpr int64_t kAutomatonMemory = 32 << 20;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

re2::RE2::Options SetOptions() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kAutomatonMemory);
  return options;
}

// What the automaton found for the path that this thread matches just now; kept for its capacity.
thread_local std::vector<int> found_expressions;

}  // namespace

struct PathIndex::Automaton {
  re2::RE2::Set set{SetOptions(), re2::RE2::ANCHOR_BOTH};
};

PathIndex::PathIndex() = default;
PathIndex::PathIndex(PathIndex&&) noexcept = default;
PathIndex::~PathIndex() = default;

void PathIndex::Build(const std::vector<std::unique_ptr<CompiledRoute>>& routes) {
  std::vector<PathTrie::Entry> sensitive;
  std::vector<PathTrie::Entry> folded;
  for (uint32_t i = 0; i < routes.size(); ++i) {
    const CompiledRoute& route = *routes[i];
    if (route.path_kind == CompiledRoute::PathKind::kConnect) continue;
    if (route.path_kind == CompiledRoute::PathKind::kRegex) {
      expressions_.push_back({i, &route});
      continue;
    }
    auto kind = route.path_kind == CompiledRoute::PathKind::kExact      ? PathTrie::Kind::kExact
                : route.path_kind == CompiledRoute::PathKind::kSegments ? PathTrie::Kind::kSegments
                                                                        : PathTrie::Kind::kPrefix;
    (route.case_sensitive ? sensitive : folded).push_back({route.path, kind, i});
  }
  sensitive_.Build(std::move(sensitive), false);
  folded_.Build(std::move(folded), true);
  if (expressions_.size() < kAutomatonFrom) return;
  auto automaton = std::make_unique<Automaton>();
  for (const Expression& expression : expressions_) {
    if (automaton->set.Add(expression.route->regex->expression(), nullptr) < 0) return;
  }
  if (automaton->set.Compile()) automaton_ = std::move(automaton);
}

uint32_t PathIndex::NextExpression(std::string_view path, uint32_t floor, uint32_t limit,
                                   bool& searched) const {
  auto at = std::lower_bound(expressions_.begin(), expressions_.end(), floor,
                             [](const Expression& e, uint32_t value) { return e.value < value; });
  if (at == expressions_.end() || at->value >= limit) return kNone;
  if (automaton_ != nullptr && !searched && IsAscii(path)) {
    re2::RE2::Set::ErrorInfo error{};
    bool matched =
        automaton_->set.Match(re2::StringPiece(path.data(), path.size()), &found_expressions, &error);
    searched = matched || error.kind == re2::RE2::Set::kNoError;
    if (!matched) found_expressions.clear();
    std::sort(found_expressions.begin(), found_expressions.end());
  }
  if (searched) {
    auto from = static_cast<int>(at - expressions_.begin());
    auto found = std::lower_bound(found_expressions.begin(), found_expressions.end(), from);
    if (found == found_expressions.end()) return kNone;
    uint32_t value = expressions_[static_cast<size_t>(*found)].value;
    return value < limit ? value : kNone;
  }
  for (; at != expressions_.end() && at->value < limit; ++at) {
    if (at->route->regex->FullMatch(path)) return at->value;
  }
  return kNone;
}

uint32_t PathIndex::Candidates::Next() {
  uint32_t least = index_.sensitive_.Next(sensitive_, last_);
  if (!index_.folded_.empty()) least = std::min(least, index_.folded_.Next(folded_, last_));
  if (!index_.expressions_.empty()) {
    least = std::min(least, index_.NextExpression(path_, last_ + 1, least, searched_));
  }
  last_ = least;
  return least;
}

}  // namespace narthex
