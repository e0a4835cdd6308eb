#include "source/router/compile_hash_policy.h"

#include <utility>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/base/ascii.h"
#include "source/http/byte_scan.h"
#include "source/router/compile_actions.h"

namespace narthex {

namespace {

using HashPolicyMessage = envoy::config::route::v3::RouteAction::HashPolicy;

bool ReadHeader(const HashPolicyMessage::Header& config, const ConfigPath& path, Diagnostics& diagnostics,
                HashPolicy& policy) {
  policy.source = HashPolicy::Source::kHeader;
  policy.name = ToLowerAscii(config.header_name());
  policy.known = FindHeader(policy.name);
  if (!config.has_regex_rewrite()) return true;
  policy.regex = CompileSubstitution(config.regex_rewrite(), path.Field("regex_rewrite"), diagnostics);
  policy.substitution = config.regex_rewrite().substitution();
  return policy.regex != nullptr;
}

// What is written into Set-Cookie must not end there.
bool CheckCookieText(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics) {
  if (text.find(';') == std::string::npos && IsHeaderValue(text)) return true;
  diagnostics.Error(path, "must not have semicolons or control characters");
  return false;
}

bool ReadCookie(const HashPolicyMessage::Cookie& config, const ConfigPath& path, Diagnostics& diagnostics,
                HashPolicy& policy) {
  policy.source = HashPolicy::Source::kCookie;
  policy.name = config.name();
  bool ok = CheckCookieText(config.name(), path.Field("name"), diagnostics);
  if (config.has_ttl()) policy.ttl = std::chrono::seconds(config.ttl().seconds());
  if (!config.path().empty()) {
    ok &= CheckCookieText(config.path(), path.Field("path"), diagnostics);
    policy.attributes += "; Path=" + config.path();
  }
  for (int i = 0; i < config.attributes_size(); ++i) {
    const auto& attribute = config.attributes(i);
    const ConfigPath at = path.Field("attributes").Index(i);
    ok &= CheckCookieText(attribute.name(), at.Field("name"), diagnostics);
    ok &= CheckCookieText(attribute.value(), at.Field("value"), diagnostics);
    policy.attributes += "; " + attribute.name();
    if (!attribute.value().empty()) policy.attributes += "=" + attribute.value();
  }
  policy.attributes += "; HttpOnly";
  if (config.has_ttl()) return ok;
  if (!config.path().empty()) {
    diagnostics.Warning(path.Field("path"), "has no effect without ttl: no cookie is made");
  }
  if (config.attributes_size() > 0) {
    diagnostics.Warning(path.Field("attributes"), "has no effect without ttl: no cookie is made");
  }
  return ok;
}

// Whether there is a policy in `config` that can be compiled; a policy that never finds anything is left out.
bool ReadPolicy(const HashPolicyMessage& config, const ConfigPath& path, Diagnostics& diagnostics,
                HashPolicy& policy) {
  policy.terminal = config.terminal();
  switch (config.policy_specifier_case()) {
    case HashPolicyMessage::kHeader:
      return ReadHeader(config.header(), path.Field("header"), diagnostics, policy);
    case HashPolicyMessage::kCookie:
      return ReadCookie(config.cookie(), path.Field("cookie"), diagnostics, policy);
    case HashPolicyMessage::kConnectionProperties:
      policy.source = HashPolicy::Source::kSourceIp;
      if (config.connection_properties().source_ip()) return true;
      diagnostics.Warning(path.Field("connection_properties"), "has no effect without source_ip");
      return false;
    case HashPolicyMessage::kQueryParameter:
      policy.source = HashPolicy::Source::kQueryParameter;
      policy.name = config.query_parameter().name();
      return true;
    default:
      return false;  // refused already: one of them is required
  }
}

}  // namespace

std::shared_ptr<const HashPolicies> CompileHashPolicies(const envoy::config::route::v3::RouteAction& config,
                                                        const ConfigPath& path, Diagnostics& diagnostics) {
  std::vector<HashPolicy> policies;
  const ConfigPath all = path.Field("hash_policy");
  for (int i = 0; i < config.hash_policy_size(); ++i) {
    HashPolicy policy;
    if (ReadPolicy(config.hash_policy(i), all.Index(i), diagnostics, policy))
      policies.push_back(std::move(policy));
  }
  if (policies.empty()) return nullptr;
  return std::make_shared<const HashPolicies>(std::move(policies));
}

}  // namespace narthex
