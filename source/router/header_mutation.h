#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/substitution/formatter.h"

namespace narthex {

// Changes to the headers of a message, in order. Immutable, thread-safe.

// One HeaderValueOption.
struct HeaderAddition {
  enum class Action : uint8_t { kAppendOrAdd, kAddIfAbsent, kOverwriteOrAdd, kOverwriteIfExists };
  std::string name;  // in lower case
  Action action = Action::kAppendOrAdd;
  bool keep_empty = false;
  SubstitutionFormatter value;
};

// What one level (weighted cluster, route, virtual host, table) does: removals first; then the values of all
// additions are worked out on what the removals left; then those that overwrite are written, then the others.
struct HeaderMutationLevel {
  std::vector<std::string> remove;  // in lower case
  std::vector<HeaderAddition> add;

  bool empty() const { return remove.empty() && add.empty(); }
  void Apply(HeaderMap& headers, const FormatContext& context) const;
};

// The levels of a route in the order in which they apply. Routes without changes of their own share one.
struct HeaderMutations {
  std::vector<std::shared_ptr<const HeaderMutationLevel>> levels;

  void Apply(HeaderMap& headers, const FormatContext& context) const {
    for (const auto& level : levels) level->Apply(headers, context);
  }
};

// Applies them to a reply of the gateway's own: a content type that they add takes the place of the usual
// text/plain.
void ApplyToLocalReply(const HeaderMutations& mutations, HeaderMap& headers, const FormatContext& context);

// Whether `value` may stand in a header: no line ends, no NUL.
bool IsHeaderValue(std::string_view value);

}  // namespace narthex
