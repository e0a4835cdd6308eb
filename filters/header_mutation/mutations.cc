#include "filters/header_mutation/mutations.h"

#include <utility>

#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"

namespace narthex {
namespace {

namespace core_v3 = envoy::config::core::v3;
namespace v3 = envoy::extensions::filters::http::header_mutation::v3;

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
    ok_ &= CompileFieldMutations(configs, path, diagnostics_, out);
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

  Diagnostics& diagnostics_;
  bool ok_ = true;
};

}  // namespace

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
