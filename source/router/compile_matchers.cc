#include "source/router/compile_matchers.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/base/ascii.h"

namespace narthex {
namespace {

namespace route_v3 = envoy::config::route::v3;
namespace matcher_v3 = envoy::type::matcher::v3;

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
// The deprecated forms of a header's text, which are everywhere. False when it is none of them.
bool CompileDeprecated(const route_v3::HeaderMatcher& config, const ConfigPath& path,
                       Diagnostics& diagnostics, HeaderMatcher& matcher, bool& ok) {
  switch (config.header_match_specifier_case()) {
    case route_v3::HeaderMatcher::kExactMatch:
      matcher.text.SetText(StringMatcher::Kind::kExact, config.exact_match());
      break;
    case route_v3::HeaderMatcher::kPrefixMatch:
      matcher.text.SetText(StringMatcher::Kind::kPrefix, config.prefix_match());
      break;
    case route_v3::HeaderMatcher::kSuffixMatch:
      matcher.text.SetText(StringMatcher::Kind::kSuffix, config.suffix_match());
      break;
    case route_v3::HeaderMatcher::kContainsMatch:
      matcher.text.SetText(StringMatcher::Kind::kContains, config.contains_match());
      break;
    case route_v3::HeaderMatcher::kSafeRegexMatch:
      matcher.text.kind = StringMatcher::Kind::kRegex;
      matcher.text.regex = CompileRegex(config.safe_regex_match().regex(),
                                        path.Field("safe_regex_match").Field("regex"), diagnostics);
      ok = matcher.text.regex != nullptr;
      break;
    default:
      return false;
  }
  matcher.kind = HeaderMatcher::Kind::kString;
  return true;
}
#pragma clang diagnostic pop

bool CompileHeaderFields(const route_v3::HeaderMatcher& config, const ConfigPath& path,
                         Diagnostics& diagnostics, HeaderMatcher& matcher) {
  matcher.name = ToLowerAscii(config.name());
  // The host line is kept as :authority.
  if (matcher.name == "host") matcher.name = ":authority";
  matcher.known = FindHeader(matcher.name);
  matcher.invert = config.invert_match();
  matcher.missing_is_empty = config.treat_missing_header_as_empty();
  bool ok = true;
  if (CompileDeprecated(config, path, diagnostics, matcher, ok)) return ok;
  switch (config.header_match_specifier_case()) {
    case route_v3::HeaderMatcher::kRangeMatch:
      matcher.kind = HeaderMatcher::Kind::kRange;
      matcher.range_start = config.range_match().start();
      matcher.range_end = config.range_match().end();
      return true;
    case route_v3::HeaderMatcher::kPresentMatch:
      matcher.present = config.present_match();
      return true;
    case route_v3::HeaderMatcher::kStringMatch:
      matcher.kind = HeaderMatcher::Kind::kString;
      return CompileStringMatcher(config.string_match(), path.Field("string_match"), diagnostics,
                                  matcher.text);
    default:
      return true;
  }
}

bool CompileMetadata(const matcher_v3::MetadataMatcher& config, const ConfigPath& path,
                     Diagnostics& diagnostics, MetadataMatcher& matcher) {
  matcher.space = config.filter();
  for (const auto& segment : config.path()) {
    if (!matcher.key.empty()) matcher.key += '.';
    matcher.key += segment.key();
  }
  matcher.invert = config.invert();
  const matcher_v3::ValueMatcher& value = config.value();
  ConfigPath value_path = path.Field("value");
  switch (value.match_pattern_case()) {
    case matcher_v3::ValueMatcher::kStringMatch:
      matcher.kind = MetadataMatcher::Kind::kString;
      return CompileStringMatcher(value.string_match(), value_path.Field("string_match"), diagnostics,
                                  matcher.text);
    case matcher_v3::ValueMatcher::kBoolMatch:
      matcher.kind = MetadataMatcher::Kind::kBool;
      matcher.flag = value.bool_match();
      return true;
    case matcher_v3::ValueMatcher::kPresentMatch:
      matcher.kind = value.present_match() ? MetadataMatcher::Kind::kPresent : MetadataMatcher::Kind::kAbsent;
      return true;
    case matcher_v3::ValueMatcher::kDoubleMatch: {
      const auto& number = value.double_match();
      matcher.kind = MetadataMatcher::Kind::kRange;
      matcher.range_start = number.has_range() ? number.range().start() : number.exact();
      matcher.range_end = number.has_range() ? number.range().end() : number.exact();
      return true;
    }
    default:
      diagnostics.Error(value_path,
                        "dynamic metadata has values of text, number and bool only: use "
                        "string_match, double_match, bool_match or present_match");
      return false;
  }
}

TlsMatcher CompileTls(const route_v3::RouteMatch::TlsContextMatchOptions& config) {
  TlsMatcher matcher;
  if (config.has_presented()) matcher.presented = config.presented().value();
  if (config.has_validated()) matcher.validated = config.validated().value();
  return matcher;
}

bool CompilePath(const route_v3::RouteMatch& config, const ConfigPath& path, Diagnostics& diagnostics,
                 CompiledRoute& route) {
  route.case_sensitive = !config.has_case_sensitive() || config.case_sensitive().value();
  switch (config.path_specifier_case()) {
    case route_v3::RouteMatch::kPrefix:
      route.path_kind = CompiledRoute::PathKind::kPrefix;
      route.path = config.prefix();
      break;
    case route_v3::RouteMatch::kPath:
      route.path_kind = CompiledRoute::PathKind::kExact;
      route.path = config.path();
      break;
    case route_v3::RouteMatch::kPathSeparatedPrefix:
      route.path_kind = CompiledRoute::PathKind::kSegments;
      route.path = config.path_separated_prefix();
      break;
    case route_v3::RouteMatch::kSafeRegex:
      route.path_kind = CompiledRoute::PathKind::kRegex;
      route.case_sensitive = true;
      route.path = config.safe_regex().regex();
      route.regex = CompileRegex(route.path, path.Field("safe_regex").Field("regex"), diagnostics);
      return route.regex != nullptr;
    case route_v3::RouteMatch::kConnectMatcher:
      route.path_kind = CompiledRoute::PathKind::kConnect;
      return true;
    default:
      diagnostics.Error(path,
                        "needs one of prefix, path, path_separated_prefix, safe_regex and connect_matcher");
      return false;
  }
  if (!route.case_sensitive) route.path = ToLowerAscii(route.path);
  return true;
}

bool CompilePredicates(const route_v3::RouteMatch& config, const ConfigPath& path,
                       RouteCompileContext& context, RoutePredicates& predicates) {
  bool ok = true;
  Diagnostics& diagnostics = context.diagnostics;
  for (int i = 0; i < config.headers_size(); ++i) {
    ok &= CompileHeaderFields(config.headers(i), path.Field("headers").Index(static_cast<size_t>(i)),
                              diagnostics, predicates.headers.emplace_back());
  }
  for (int i = 0; i < config.query_parameters_size(); ++i) {
    const auto& parameter = config.query_parameters(i);
    ConfigPath place = path.Field("query_parameters").Index(static_cast<size_t>(i)).Field("string_match");
    QueryMatcher& matcher = predicates.query.emplace_back();
    matcher.name = parameter.name();
    matcher.present_only = !parameter.has_string_match();
    matcher.present =
        parameter.query_parameter_match_specifier_case() != route_v3::QueryParameterMatcher::kPresentMatch ||
        parameter.present_match();
    if (matcher.present_only) continue;
    ok &= CompileStringMatcher(parameter.string_match(), place, diagnostics, matcher.text);
  }
  for (int i = 0; i < config.cookies_size(); ++i) {
    ConfigPath place = path.Field("cookies").Index(static_cast<size_t>(i)).Field("string_match");
    CookieMatcher& matcher = predicates.cookies.emplace_back();
    matcher.name = config.cookies(i).name();
    matcher.invert = config.cookies(i).invert_match();
    ok &= CompileStringMatcher(config.cookies(i).string_match(), place, diagnostics, matcher.text);
  }
  for (int i = 0; i < config.dynamic_metadata_size(); ++i) {
    ConfigPath place = path.Field("dynamic_metadata").Index(static_cast<size_t>(i));
    ok &= CompileMetadata(config.dynamic_metadata(i), place, diagnostics, predicates.metadata.emplace_back());
  }
  predicates.tls = CompileTls(config.tls_context());
  predicates.grpc = config.has_grpc();
  if (config.has_runtime_fraction())
    predicates.fraction =
        CompileRuntimeFraction(config.runtime_fraction(), path.Field("runtime_fraction"), context);
  return ok;
}

}  // namespace

FractionMatcher CompileRuntimeFraction(const envoy::config::core::v3::RuntimeFractionalPercent& config,
                                       const ConfigPath& path, const RouteCompileContext& context) {
  FractionMatcher fraction =
      CompileFraction(config.default_value(), path.Field("default_value"), context.diagnostics);
  if (config.runtime_key().empty() || !context.runtime) return fraction;
  if (auto value = context.runtime(config.runtime_key())) fraction = FractionMatcher::OfPercent(*value);
  return fraction;
}

bool CompileMatch(const route_v3::RouteMatch& config, const ConfigPath& path, RouteCompileContext& context,
                  CompiledRoute& route) {
  bool ok = CompilePath(config, path, context.diagnostics, route);
  bool any = config.headers_size() + config.query_parameters_size() + config.cookies_size() +
                 config.dynamic_metadata_size() >
             0;
  if (!any && !config.has_grpc() && !config.has_runtime_fraction() && !config.has_tls_context()) return ok;
  auto predicates = std::make_unique<RoutePredicates>();
  ok &= CompilePredicates(config, path, context, *predicates);
  route.predicates = std::move(predicates);
  return ok;
}

FractionMatcher CompileFraction(const envoy::type::v3::FractionalPercent& config, const ConfigPath& path,
                                Diagnostics& diagnostics) {
  static constexpr uint64_t kDenominators[] = {100, 10'000, 1'000'000};
  const FractionMatcher fraction{config.numerator(), kDenominators[config.denominator()]};
  if (fraction.numerator > fraction.denominator) {
    diagnostics.Warning(path.Field("numerator"), std::to_string(fraction.numerator) + " of " +
                                                     std::to_string(fraction.denominator) +
                                                     " is above 100%, and taken for 100%");
  }
  return fraction;
}

bool CompileHeaderMatcher(const route_v3::HeaderMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, HeaderMatcher& matcher) {
  return CompileHeaderFields(config, path, diagnostics, matcher);
}

}  // namespace narthex
