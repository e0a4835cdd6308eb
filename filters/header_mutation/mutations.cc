#include "filters/header_mutation/mutations.h"

#include <algorithm>
#include <utility>

#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "source/base/ascii.h"
#include "source/router/compile_matchers.h"
#include "source/router/compile_mutations.h"

namespace narthex {
namespace {

namespace mutation_v3 = envoy::config::common::mutation_rules::v3;
namespace core_v3 = envoy::config::core::v3;
namespace v3 = envoy::extensions::filters::http::header_mutation::v3;

bool IsPseudo(std::string_view name) {
  return name.starts_with(':');
}

HeaderAddition::Action CompileAction(int action) {
  using Action = HeaderAddition::Action;
  static constexpr Action kActions[] = {Action::kAppendOrAdd, Action::kAddIfAbsent, Action::kOverwriteOrAdd,
                                        Action::kOverwriteIfExists};
  return kActions[action];
}

class Compiler {
 public:
  explicit Compiler(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  template <class List>
  void Fields(const List& configs, const ConfigPath& path, FieldMutations& out) {
    for (int i = 0; i < configs.size(); ++i) {
      FieldMutations::Step step;
      if (Field(configs.Get(i), path.Index(i), step)) out.Add(std::move(step));
    }
  }

  bool Query(const core_v3::KeyValueMutation& config, const ConfigPath& path, QueryMutation& out) {
    if (!config.has_append()) {
      if (config.remove().empty()) return Fail(path, "needs one of append and remove");
      out.remove = true;
      out.key = config.remove();
      return true;
    }
    const ConfigPath append = path.Field("append");
    const core_v3::KeyValuePair& record = config.append().record();
    if (!config.append().has_record()) return Fail(append, "needs a record");
    if (record.value().kind_case() != google::protobuf::Value::kStringValue) {
      return Fail(append.Field("record").Field("value"), "must be text");
    }
    out.key = record.key();
    out.action = CompileAction(config.append().action());
    return Format(record.value().string_value(), append.Field("record").Field("value"), out.value);
  }

  bool ok() const { return ok_; }

 private:
  bool Fail(const ConfigPath& path, std::string_view message) {
    diagnostics_.Error(path, message);
    ok_ = false;
    return false;
  }

  bool Format(std::string_view text, const ConfigPath& path, SubstitutionFormatter& out) {
    auto formatter = SubstitutionFormatter::Parse(text, path, SubstitutionFormatter::Absent::kEmpty);
    diagnostics_.AddStatus(formatter.status());
    if (!formatter.ok()) return ok_ = false;
    out = *std::move(formatter);
    return true;
  }

  bool Field(const mutation_v3::HeaderMutation& config, const ConfigPath& path, FieldMutations::Step& step) {
    switch (config.action_case()) {
      case mutation_v3::HeaderMutation::kRemove: {
        step.level.remove.push_back(ToLowerAscii(config.remove()));
        if (CheckModifiable(step.level.remove.back(), path.Field("remove"), diagnostics_)) return true;
        return ok_ = false;
      }
      case mutation_v3::HeaderMutation::kRemoveOnMatch: {
        const ConfigPath matcher = path.Field("remove_on_match").Field("key_matcher");
        step.remove_matching.emplace();
        if (CompileStringMatcher(config.remove_on_match().key_matcher(), matcher, diagnostics_,
                                 *step.remove_matching)) {
          return true;
        }
        return ok_ = false;
      }
      case mutation_v3::HeaderMutation::kAppend:
        if (CompileHeaderAddition(config.append(), path.Field("append"), diagnostics_,
                                  step.level.add.emplace_back())) {
          return true;
        }
        return ok_ = false;
      default:
        return Fail(path, "needs one of remove, append and remove_on_match");
    }
  }

  Diagnostics& diagnostics_;
  bool ok_ = true;
};

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

std::shared_ptr<const Mutations> Mutations::Compile(const v3::Mutations& config, ConfigPath path,
                                                    Diagnostics& diagnostics) {
  auto out = std::make_shared<Mutations>();
  Compiler compiler(diagnostics);
  compiler.Fields(config.request_mutations(), path.Field("request_mutations"), out->request);
  compiler.Fields(config.response_mutations(), path.Field("response_mutations"), out->response);
  compiler.Fields(config.request_trailers_mutations(), path.Field("request_trailers_mutations"),
                  out->request_trailers);
  compiler.Fields(config.response_trailers_mutations(), path.Field("response_trailers_mutations"),
                  out->response_trailers);
  const ConfigPath query = path.Field("query_parameter_mutations");
  for (int i = 0; i < config.query_parameter_mutations_size(); ++i) {
    QueryMutation mutation;
    if (compiler.Query(config.query_parameter_mutations(i), query.Index(i), mutation)) {
      out->query.push_back(std::move(mutation));
    }
  }
  return compiler.ok() ? out : nullptr;
}

}  // namespace narthex
