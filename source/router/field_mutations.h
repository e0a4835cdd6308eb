#pragma once

#include <optional>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/header_mutation.h"
#include "source/router/matchers.h"

namespace google::protobuf {
template <class Element>
class RepeatedPtrField;
}  // namespace google::protobuf
namespace envoy::config::common::mutation_rules::v3 {
class HeaderMutation;
}

namespace narthex {

// Changes of one header or trailer section in configured order. Immutable, thread-safe.
class FieldMutations {
 public:
  // Removals, then additions, or the removal of each field whose name matches.
  struct Step {
    HeaderMutationLevel level;
    std::optional<StringMatcher> remove_matching;
  };

  void Add(Step step);
  void Apply(HeaderMap& headers, const FormatContext& context) const;
  bool empty() const { return steps_.empty(); }
  // Whether every value is the same for all requests, so that none needs a context.
  bool is_literal() const { return literal_; }

 private:
  std::vector<Step> steps_;
  bool literal_ = true;
};

// Compiles a list of changes. Load time only. False after errors, which go to the diagnostics with their
// position.
bool CompileFieldMutations(const google::protobuf::RepeatedPtrField<
                               envoy::config::common::mutation_rules::v3::HeaderMutation>& configs,
                           const ConfigPath& path, Diagnostics& diagnostics, FieldMutations& out);

}  // namespace narthex
