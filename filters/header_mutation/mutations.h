#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/header_mutation.h"
#include "source/router/matchers.h"
#include "source/substitution/formatter.h"

namespace envoy::extensions::filters::http::header_mutation::v3 {
class Mutations;
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

// One change of the query's parameters.
struct QueryMutation {
  HeaderAddition::Action action = HeaderAddition::Action::kAppendOrAdd;
  std::string key;  // not encoded
  bool remove = false;
  SubstitutionFormatter value;  // what it yields is encoded
};

// One `Mutations` message, compiled. Immutable, shared by the filter and the bodies whose trailers it
// changes.
struct Mutations {
  FieldMutations request;
  FieldMutations response;
  FieldMutations request_trailers;
  FieldMutations response_trailers;
  std::vector<QueryMutation> query;

  // Null after an error was added to the diagnostics.
  static std::shared_ptr<const Mutations> Compile(
      const envoy::extensions::filters::http::header_mutation::v3::Mutations& config, ConfigPath path,
      Diagnostics& diagnostics);
};

// `target` (the value of :path) with the changes made to its query; parameters that no change names keep
// their spelling.
std::string MutateQuery(std::string_view target, const std::vector<QueryMutation>& mutations,
                        const FormatContext& context);

}  // namespace narthex
