// Rewrites that leave a path without a slash in front, which is answered with 500.
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/config/regex.h"
#include "source/server/lint_routes.h"
#include "source/server/route_takers.h"
#include "source/server/route_witness.h"

namespace narthex {

namespace {

using RouteMessage = envoy::config::route::v3::Route;
using envoy::config::route::v3::RouteMatch;
using envoy::type::matcher::v3::RegexMatchAndSubstitute;

// Paths that the match takes and the expression may be about; there may be none.
std::vector<std::string> Samples(const RouteMatch& match, const std::string& expression) {
  std::vector<std::string> samples;
  if (const auto path = PathTakenBy(match)) {
    samples.push_back(*path);
    if (!match.has_path() && !match.has_safe_regex())
      samples.push_back(*path + (path->ends_with('/') ? "x" : "/x"));
  }
  RouteMatch of_expression;
  of_expression.mutable_safe_regex()->set_regex(expression);
  const auto path = PathTakenBy(of_expression);
  if (path && match.has_prefix() && path->starts_with(match.prefix())) samples.push_back(*path);
  return samples;
}

void LintRegexRewrite(const RouteMatch& match, const RegexMatchAndSubstitute& rewrite, const ConfigPath& path,
                      Diagnostics& diagnostics) {
  std::string error;
  const auto expression = Regex::Compile(rewrite.pattern().regex(), error);
  if (expression == nullptr) return;
  for (const std::string& sample : Samples(match, rewrite.pattern().regex())) {
    if (!sample.starts_with('/')) continue;
    const std::string made = expression->ReplaceAll(sample, rewrite.substitution());
    if (made.empty() || made.starts_with('/')) continue;
    diagnostics.Warning(path, "makes " + made + " of " + sample +
                                  ", without a slash in front: such a request is answered with 500");
    return;
  }
}

// What begins with the path of the request begins with a slash.
bool BeginsWithPath(const std::string& format) {
  for (const char* path :
       {"/", "%PATH", "%REQ(:PATH", "%REQ(:path", "%REQ_WITHOUT_QUERY(:PATH", "%REQ_WITHOUT_QUERY(:path"}) {
    if (format.starts_with(path)) return true;
  }
  return false;
}

}  // namespace

void LintRewrites(const RouteMessage& route, const ConfigPath& path, Diagnostics& diagnostics) {
  if (route.route().has_regex_rewrite()) {
    LintRegexRewrite(route.match(), route.route().regex_rewrite(), path.Field("route").Field("regex_rewrite"),
                     diagnostics);
  }
  const ConfigPath redirect = path.Field("redirect");
  if (route.redirect().has_regex_rewrite()) {
    LintRegexRewrite(route.match(), route.redirect().regex_rewrite(), redirect.Field("regex_rewrite"),
                     diagnostics);
  }
  const std::string& format = route.redirect().path_rewrite();
  if (format.empty() || BeginsWithPath(format)) return;
  diagnostics.Warning(redirect.Field("path_rewrite"),
                      "need not begin with a slash: a request for which it does not is answered with 500");
}

}  // namespace narthex
