#include "source/router/compile_actions.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/base/ascii.h"
#include "source/config/data_source.h"
#include "source/http/byte_scan.h"
#include "source/http/http1_fields.h"
#include "source/router/compile_hash_policy.h"
#include "source/router/compile_matchers.h"
#include "source/router/compile_mirrors.h"
#include "source/router/compile_retry.h"

namespace narthex {
namespace {

namespace route_v3 = envoy::config::route::v3;
namespace matcher_v3 = envoy::type::matcher::v3;

std::chrono::milliseconds ToMilliseconds(const google::protobuf::Duration& duration) {
  int64_t milliseconds = duration.seconds() * 1000 + duration.nanos() / 1'000'000;
  // A duration below a millisecond is still a limit; 0 would be none.
  if (milliseconds == 0 && duration.nanos() > 0) milliseconds = 1;
  return std::chrono::milliseconds(milliseconds);
}

void SetTimeouts(const route_v3::RouteAction& config, ForwardAction& forward) {
  if (config.has_timeout()) forward.timeout = ToMilliseconds(config.timeout());
  if (config.has_idle_timeout()) forward.idle_timeout = ToMilliseconds(config.idle_timeout());
  if (config.has_max_stream_duration()) {
    const auto& limits = config.max_stream_duration();
    forward.stream_duration_rules = true;
    if (limits.has_max_stream_duration()) {
      forward.max_stream_duration = ToMilliseconds(limits.max_stream_duration());
    }
    if (limits.has_grpc_timeout_header_max()) {
      forward.grpc_timeout_max = ToMilliseconds(limits.grpc_timeout_header_max());
    }
    forward.grpc_timeout_offset = ToMilliseconds(limits.grpc_timeout_header_offset());
  }
  if (!forward.stream_duration_rules && forward.timeout.count() > 0) {
    forward.timeout_text = std::to_string(forward.timeout.count());
  }
}

void WarnWithoutSlash(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics) {
  if (text.starts_with('/')) return;
  diagnostics.Warning(path, "does not begin with a slash: every request is answered with 500");
}

bool SetPathRewrite(const route_v3::RouteAction& config, const ConfigPath& path, Diagnostics& diagnostics,
                    ForwardAction& forward) {
  bool prefix = !config.prefix_rewrite().empty();
  if (prefix && config.has_regex_rewrite()) {
    diagnostics.Error(path.Field("regex_rewrite"), "can't be combined with prefix_rewrite");
    return false;
  }
  if (prefix) {
    if (!CheckRewrite(config.prefix_rewrite(), path.Field("prefix_rewrite"), diagnostics)) return false;
    WarnWithoutSlash(config.prefix_rewrite(), path.Field("prefix_rewrite"), diagnostics);
    forward.path_rewrite = {PathRewrite::Kind::kPrefix, config.prefix_rewrite(), nullptr};
  } else if (config.has_regex_rewrite()) {
    auto regex = CompileSubstitution(config.regex_rewrite(), path.Field("regex_rewrite"), diagnostics);
    if (regex == nullptr) return false;
    forward.path_rewrite = {PathRewrite::Kind::kRegex, config.regex_rewrite().substitution(), regex};
  }
  return true;
}

bool SetHostRewrite(const route_v3::RouteAction& config, const ConfigPath& path, Diagnostics& diagnostics,
                    ForwardAction& forward) {
  forward.append_x_forwarded_host = config.append_x_forwarded_host();
  switch (config.host_rewrite_specifier_case()) {
    case route_v3::RouteAction::kHostRewriteLiteral:
      if (!CheckHostRewrite(config.host_rewrite_literal(), path.Field("host_rewrite_literal"), diagnostics)) {
        return false;
      }
      forward.host_rewrite = {HostRewrite::Kind::kLiteral, config.host_rewrite_literal(), nullptr};
      return true;
    case route_v3::RouteAction::kAutoHostRewrite:
      forward.auto_host_rewrite = config.auto_host_rewrite().value();
      return true;
    case route_v3::RouteAction::kHostRewriteHeader:
      forward.host_rewrite = {HostRewrite::Kind::kHeader, ToLowerAscii(config.host_rewrite_header()),
                              nullptr};
      return true;
    case route_v3::RouteAction::kHostRewritePathRegex: {
      const auto& rewrite = config.host_rewrite_path_regex();
      auto regex = CompileSubstitution(rewrite, path.Field("host_rewrite_path_regex"), diagnostics);
      if (regex == nullptr) return false;
      forward.host_rewrite = {HostRewrite::Kind::kPathRegex, rewrite.substitution(), regex};
      return true;
    }
    default:
      return true;
  }
}

bool SetUpgrades(const route_v3::RouteAction& config, const ConfigPath& path, Diagnostics& diagnostics,
                 ForwardAction& forward) {
  forward.upgrades = UpgradeRules::Compile(config.upgrade_configs(), path, diagnostics);
  for (int i = 0; i < config.upgrade_configs_size(); ++i) {
    const auto& upgrade = config.upgrade_configs(i);
    if (!upgrade.has_connect_config()) continue;
    if (ToLowerAscii(upgrade.upgrade_type()) != "connect") {
      diagnostics.Error(path.Index(static_cast<size_t>(i)).Field("connect_config"),
                        "is for the upgrade_type CONNECT, not for \"" + upgrade.upgrade_type() + "\"");
      return false;
    }
    forward.terminates_connect = true;
  }
  return true;
}

bool SetRetries(const route_v3::RouteAction& config, const ConfigPath& path, Diagnostics& diagnostics,
                ForwardAction& forward) {
  if (config.has_hedge_policy()) forward.hedges = config.hedge_policy().hedge_on_per_try_timeout();
  if (!config.has_retry_policy()) return true;
  forward.retries = CompileRetryPolicy(config.retry_policy(), path.Field("retry_policy"), diagnostics);
  if (forward.retries == nullptr) return false;
  const RetryPolicy& retries = *forward.retries;
  const bool bounded = forward.timeout.count() > 0 && !forward.stream_duration_rules;
  if (bounded && retries.per_try_timeout >= forward.timeout) {
    diagnostics.Warning(path.Field("retry_policy").Field("per_try_timeout"),
                        "has no effect: it is not below the timeout of all tries together");
  }
  const bool timed = retries.per_try_timeout.count() > 0 || retries.per_try_idle_timeout.count() > 0;
  if (forward.hedges.value_or(false) && !timed) {
    diagnostics.Warning(
        path.Field("hedge_policy"),
        "has no effect unless the retry_policy has a per_try_timeout, or a client asks for one");
  }
  return true;
}

std::shared_ptr<const ForwardAction> MakeForward(const route_v3::RouteAction& config, const ConfigPath& path,
                                                 const RouteCompileContext& context) {
  static constexpr int kNotFound[] = {503, 404, 500};
  Diagnostics& diagnostics = context.diagnostics;
  auto forward = std::make_shared<ForwardAction>();
  SetTimeouts(config, *forward);
  bool ok = SetPathRewrite(config, path, diagnostics, *forward);
  ok &= SetHostRewrite(config, path, diagnostics, *forward);
  forward->priority =
      config.priority() == envoy::config::core::v3::HIGH ? Priority::kHigh : Priority::kDefault;
  forward->cluster_not_found_status = kNotFound[config.cluster_not_found_response_code()];
  forward->hash_policies = CompileHashPolicies(config, path, diagnostics);
  forward->metadata_match = MetadataMatch::Make(config.metadata_match(), {});
  forward->cluster_header = ToLowerAscii(config.cluster_header());
  forward->mirrors =
      CompileMirrorPolicies(config.request_mirror_policies(), path.Field("request_mirror_policies"), context);
  ok &= SetRetries(config, path, diagnostics, *forward);
  ok &= SetUpgrades(config, path.Field("upgrade_configs"), diagnostics, *forward);
  if (!ok) return nullptr;
  return forward;
}

}  // namespace

std::shared_ptr<const Regex> CompileSubstitution(const matcher_v3::RegexMatchAndSubstitute& config,
                                                 const ConfigPath& path, Diagnostics& diagnostics) {
  std::shared_ptr<const Regex> regex =
      CompileRegex(config.pattern().regex(), path.Field("pattern").Field("regex"), diagnostics);
  if (!CheckRewrite(config.substitution(), path.Field("substitution"), diagnostics)) return nullptr;
  std::string error;
  if (regex == nullptr || regex->CheckSubstitution(config.substitution(), error)) return regex;
  diagnostics.Error(path.Field("substitution"), error);
  return nullptr;
}

bool CheckRewrite(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics) {
  if (!HasSpaceOrControl(text)) return true;
  diagnostics.Error(path, "must not have spaces or control characters");
  return false;
}

bool CheckHostRewrite(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics) {
  if (!CheckRewrite(text, path, diagnostics)) return false;
  if (IsValidHost(text)) return true;
  diagnostics.Error(path, "must be a host's name or address, and a port if any, as in example.com:8080");
  return false;
}

std::shared_ptr<const ForwardAction> ForwardCompiler::Compile(const route_v3::RouteAction& config,
                                                              const ConfigPath& path) {
  route_v3::RouteAction rest;
  if (config.has_weighted_clusters()) {
    // The clusters of a weighted choice may be many; they have no part in the key.
    rest = config;
    rest.clear_weighted_clusters();
  } else {
    rest = config;
    rest.clear_cluster();
  }
  std::shared_ptr<const ForwardAction>& made = made_[rest.SerializeAsString()];
  if (made == nullptr) made = MakeForward(rest, path, context_);
  return made;
}

namespace {

bool SetRedirectRegex(const matcher_v3::RegexMatchAndSubstitute& config, const ConfigPath& path,
                      Diagnostics& diagnostics, RedirectAction& action) {
  action.path_kind = RedirectAction::Path::kRegex;
  action.path = config.substitution();
  action.regex = CompileSubstitution(config, path, diagnostics);
  return action.regex != nullptr;
}

bool SetRedirectFormat(const std::string& text, const ConfigPath& path, Diagnostics& diagnostics,
                       RedirectAction& action) {
  auto format = SubstitutionFormatter::Parse(text, path, SubstitutionFormatter::Absent::kEmpty);
  diagnostics.AddStatus(format.status());
  if (!format.ok()) return false;
  action.path_kind = RedirectAction::Path::kFormat;
  action.format = std::make_shared<const SubstitutionFormatter>(*std::move(format));
  return true;
}

bool SetRedirectPath(const route_v3::RedirectAction& config, const ConfigPath& path, Diagnostics& diagnostics,
                     RedirectAction& action) {
  const auto literal = [&](RedirectAction::Path kind, const std::string& text, std::string_view field) {
    if (text.empty()) return true;
    WarnWithoutSlash(text, path.Field(field), diagnostics);
    action.path_kind = kind;
    action.path = text;
    return true;
  };
  switch (config.path_rewrite_specifier_case()) {
    case route_v3::RedirectAction::kPathRedirect:
      return literal(RedirectAction::Path::kReplace, config.path_redirect(), "path_redirect");
    case route_v3::RedirectAction::kPrefixRewrite:
      return literal(RedirectAction::Path::kPrefix, config.prefix_rewrite(), "prefix_rewrite");
    case route_v3::RedirectAction::kRegexRewrite:
      return SetRedirectRegex(config.regex_rewrite(), path.Field("regex_rewrite"), diagnostics, action);
    case route_v3::RedirectAction::kPathRewrite:
      return SetRedirectFormat(config.path_rewrite(), path.Field("path_rewrite"), diagnostics, action);
    default:
      return true;
  }
}

}  // namespace

std::unique_ptr<const RedirectAction> CompileRedirect(const route_v3::RedirectAction& config,
                                                      const ConfigPath& path, Diagnostics& diagnostics) {
  static constexpr int kStatuses[] = {301, 302, 303, 307, 308};
  auto action = std::make_unique<RedirectAction>();
  action->status = kStatuses[config.response_code()];
  action->host = config.host_redirect();
  action->port = config.port_redirect();
  action->strip_query = config.strip_query();
  action->scheme = config.https_redirect() ? "https" : config.scheme_redirect();
  if (!SetRedirectPath(config, path, diagnostics, *action)) return nullptr;
  return action;
}

std::unique_ptr<const DirectResponse> CompileDirectResponse(const route_v3::DirectResponseAction& config,
                                                            const ConfigPath& path, uint64_t max_body,
                                                            Diagnostics& diagnostics) {
  auto response = std::make_unique<DirectResponse>();
  response->status = static_cast<int>(config.status());
  if (!config.has_body()) return response;
  ConfigPath body_path = path.Field("body");
  absl::StatusOr<std::string> body = ReadDataSource(config.body(), body_path);
  diagnostics.AddStatus(body.status());
  if (!body.ok()) return nullptr;
  response->body = *std::move(body);
  if (response->body.size() <= max_body) return response;
  diagnostics.Error(body_path, "has " + std::to_string(response->body.size()) + " bytes, more than the " +
                                   std::to_string(max_body) + " of max_direct_response_body_size_bytes");
  return nullptr;
}

}  // namespace narthex
