#include "source/router/compile_mutations.h"

#include "envoy/config/core/v3/base.pb.h"
#include "source/http/codec_fields.h"
#include "source/http/http1_fields.h"

namespace narthex {

namespace {

bool CheckName(const std::string& name, const ConfigPath& path, Diagnostics& diagnostics) {
  if (AllOf(name, kToken)) return true;
  diagnostics.Error(path, "\"" + name + "\" is no header name: letters, digits and !#$%&'*+-.^_`|~ only");
  return false;
}

}  // namespace

bool CheckModifiable(const std::string& name, const ConfigPath& path, Diagnostics& diagnostics) {
  if (!name.starts_with(':') && name != "host") {
    if (!IsCodecsOwn(FindHeader(name))) return true;
    diagnostics.Warning(path, "\"" + name +
                                  "\" is written by the codec itself, to fit the body and the connection: "
                                  "changing it here has no effect");
    return true;
  }
  diagnostics.Error(path, ":-prefixed or host headers may not be modified; use the route's rewrites");
  return false;
}

bool CompileHeaderAddition(const envoy::config::core::v3::HeaderValueOption& config, const ConfigPath& path,
                           Diagnostics& diagnostics, HeaderAddition& addition) {
  ConfigPath header = path.Field("header");
  addition.name = ToLowerAscii(config.header().key());
  addition.action = static_cast<HeaderAddition::Action>(config.append_action());
  addition.keep_empty = config.keep_empty_value();
  if (!CheckModifiable(addition.name, header.Field("key"), diagnostics) ||
      !CheckName(addition.name, header.Field("key"), diagnostics)) {
    return false;
  }
  bool raw = !config.header().raw_value().empty();
  auto value = SubstitutionFormatter::Parse(raw ? config.header().raw_value() : config.header().value(),
                                            header.Field(raw ? "raw_value" : "value"),
                                            SubstitutionFormatter::Absent::kEmpty);
  diagnostics.AddStatus(value.status());
  if (!value.ok()) return false;
  addition.value = *std::move(value);
  return true;
}

}  // namespace narthex
