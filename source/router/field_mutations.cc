#include "source/router/field_mutations.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "envoy/config/common/mutation_rules/v3/mutation_rules.pb.h"
#include "source/base/ascii.h"
#include "source/router/compile_matchers.h"
#include "source/router/compile_mutations.h"

namespace narthex {
namespace {

namespace mutation_v3 = envoy::config::common::mutation_rules::v3;

bool IsPseudo(std::string_view name) {
  return name.starts_with(':');
}

bool CompileStep(const mutation_v3::HeaderMutation& config, const ConfigPath& path, Diagnostics& diagnostics,
                 FieldMutations::Step& step) {
  switch (config.action_case()) {
    case mutation_v3::HeaderMutation::kRemove:
      step.level.remove.push_back(ToLowerAscii(config.remove()));
      return CheckModifiable(step.level.remove.back(), path.Field("remove"), diagnostics);
    case mutation_v3::HeaderMutation::kRemoveOnMatch:
      step.remove_matching.emplace();
      return CompileStringMatcher(config.remove_on_match().key_matcher(),
                                  path.Field("remove_on_match").Field("key_matcher"), diagnostics,
                                  *step.remove_matching);
    case mutation_v3::HeaderMutation::kAppend:
      return CompileHeaderAddition(config.append(), path.Field("append"), diagnostics,
                                   step.level.add.emplace_back());
    default:
      diagnostics.Error(path, "needs one of remove, append and remove_on_match");
      return false;
  }
}

}  // namespace

void FieldMutations::Add(Step step) {
  for (const HeaderAddition& addition : step.level.add) literal_ = literal_ && addition.value.is_literal();
  // Removals and then additions are applied in one go.
  const bool joins = !steps_.empty() && !steps_.back().remove_matching && !step.remove_matching &&
                     (steps_.back().level.add.empty() || step.level.remove.empty());
  if (!joins) {
    steps_.push_back(std::move(step));
    return;
  }
  HeaderMutationLevel& last = steps_.back().level;
  std::move(step.level.remove.begin(), step.level.remove.end(), std::back_inserter(last.remove));
  std::move(step.level.add.begin(), step.level.add.end(), std::back_inserter(last.add));
}

void FieldMutations::Apply(HeaderMap& headers, const FormatContext& context) const {
  for (const Step& step : steps_) {
    if (!step.remove_matching) {
      step.level.Apply(headers, context);
      continue;
    }
    std::vector<std::string_view> names;  // the map keeps the bytes of what is removed
    for (const HeaderMap::Field& field : headers) {
      if (!IsPseudo(field.name) && step.remove_matching->Matches(field.name)) names.push_back(field.name);
    }
    for (const std::string_view name : names) headers.Remove(name);
  }
}

bool CompileFieldMutations(const google::protobuf::RepeatedPtrField<mutation_v3::HeaderMutation>& configs,
                           const ConfigPath& path, Diagnostics& diagnostics, FieldMutations& out) {
  bool ok = true;
  for (int i = 0; i < configs.size(); ++i) {
    FieldMutations::Step step;
    if (CompileStep(configs.Get(i), path.Index(static_cast<size_t>(i)), diagnostics, step)) {
      out.Add(std::move(step));
    } else {
      ok = false;
    }
  }
  return ok;
}

}  // namespace narthex
