#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/field_mutations.h"
#include "source/substitution/formatter.h"

namespace envoy::extensions::filters::http::header_mutation::v3 {
class Mutations;
}

namespace narthex {

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
