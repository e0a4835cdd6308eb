#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "source/server/lint_routes.h"

namespace narthex {

namespace {

using RouteMessage = envoy::config::route::v3::Route;
using envoy::config::route::v3::RouteAction;
using envoy::config::route::v3::RouteMatch;

// Envoy's default of `timeout`.
constexpr double kDefaultTimeoutSeconds = 15;
// Envoy's default of `connect_timeout`.
constexpr double kDefaultConnectSeconds = 5;

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

double TimeoutOf(const RouteAction& action) {
  return action.has_timeout() ? Seconds(action.timeout()) : kDefaultTimeoutSeconds;
}

// Static routes name only clusters that exist, unless validate_clusters is off; those of a file may name any.
void LintCluster(const std::string& name, const ConfigPath& path, const RouteLint& lint) {
  if (name.empty() || lint.clusters.contains(name)) return;
  lint.diagnostics.Warning(path, "no cluster is called \"" + name + "\": every request to it fails");
}

void LintWeights(const RouteAction& action, const ConfigPath& path, const RouteLint& lint) {
  const auto& clusters = action.weighted_clusters().clusters();
  for (int i = 0; i < clusters.size(); ++i) {
    const ConfigPath cluster = path.Field("weighted_clusters").Field("clusters").Index(i);
    LintCluster(clusters[i].name(), cluster.Field("name"), lint);
    if (clusters[i].weight().value() == 0) {
      lint.diagnostics.Warning(cluster.Field("weight"), "gets no request: its weight is 0");
    }
  }
}

void LintMirrors(const RouteAction& action, const ConfigPath& path, const RouteLint& lint) {
  const auto& mirrors = action.request_mirror_policies();
  for (int i = 0; i < mirrors.size(); ++i) {
    LintCluster(mirrors[i].cluster(), path.Field("request_mirror_policies").Index(i).Field("cluster"), lint);
  }
}

void LintConnectTimeout(const RouteAction& action, const ConfigPath& path, const RouteLint& lint) {
  const auto cluster = lint.clusters.find(action.cluster());
  const double timeout = TimeoutOf(action);
  if (cluster == lint.clusters.end() || timeout <= 0 || action.has_max_stream_duration()) return;
  const auto& message = *cluster->second.message;
  const double connect =
      message.has_connect_timeout() ? Seconds(message.connect_timeout()) : kDefaultConnectSeconds;
  if (connect < timeout) return;
  const Origin origin = cluster->second.path.Field("connect_timeout").Origin();
  lint.diagnostics.Warning(path.Field("timeout"), "is no longer than the connect_timeout of cluster \"" +
                                                      message.name() + "\" at " + origin.Position() +
                                                      ", which therefore never strikes");
}

void LintTimeouts(const RouteAction& action, const ConfigPath& path, const RouteLint& lint) {
  const double timeout = TimeoutOf(action);
  const double idle = Seconds(action.idle_timeout());
  if (timeout > 0 && idle > timeout) {
    lint.diagnostics.Warning(path.Field("idle_timeout"),
                             "never strikes: the route's timeout is shorter and ends the exchange first");
  }
  const auto& stream = action.max_stream_duration();
  if (stream.has_max_stream_duration() && action.has_timeout() && timeout > 0) {
    lint.diagnostics.Warning(path.Field("timeout"), "is not used: max_stream_duration takes its place");
  }
  LintConnectTimeout(action, path, lint);
}

bool EndsInSlash(const std::string& text) {
  return text.ends_with('/');
}

// The prefix is cut off and the rewrite put in its place, so both must end in a slash, or neither.
void LintPrefixRewrite(const RouteMatch& match, const std::string& rewrite, const ConfigPath& path,
                       Diagnostics& diagnostics) {
  const bool segments = match.has_path_separated_prefix();
  const std::string& prefix = segments ? match.path_separated_prefix() : match.prefix();
  if (rewrite.empty() || prefix.empty() || EndsInSlash(prefix) == EndsInSlash(rewrite)) return;
  const std::string request = prefix + (EndsInSlash(prefix) ? "x" : "/x");
  diagnostics.Warning(path, "makes " + rewrite + request.substr(prefix.size()) + " of " + request +
                                ": the prefix and its rewrite should both end in \"/\", or neither");
}

}  // namespace

void LintRoute(const RouteMessage& route, const ConfigPath& path, const RouteLint& lint) {
  if (route.has_redirect()) {
    LintPrefixRewrite(route.match(), route.redirect().prefix_rewrite(),
                      path.Field("redirect").Field("prefix_rewrite"), lint.diagnostics);
  }
  if (!route.has_route()) return;
  const RouteAction& action = route.route();
  const ConfigPath place = path.Field("route");
  if (action.has_cluster()) LintCluster(action.cluster(), place.Field("cluster"), lint);
  LintWeights(action, place, lint);
  LintMirrors(action, place, lint);
  LintTimeouts(action, place, lint);
  LintPrefixRewrite(route.match(), action.prefix_rewrite(), place.Field("prefix_rewrite"), lint.diagnostics);
}

}  // namespace narthex
