#include "source/router/route_compiler.h"

#include <algorithm>

#include "envoy/config/route/v3/route.pb.h"
#include "source/router/compile_matchers.h"
#include "source/router/compile_mutations.h"
#include "source/router/compile_retry.h"

namespace narthex {
namespace {

namespace route_v3 = envoy::config::route::v3;

constexpr uint64_t kDefaultMaxBody = 4096;

template <class Map>
PerFilterConfigLevel FilterLevel(const Map& map, const ConfigPath& path) {
  PerFilterConfigLevel level;
  if (map.empty()) return level;
  level.path = path.Field("typed_per_filter_config");
  for (const auto& [name, any] : map) level.entries.emplace_back(name, &any);
  // A protobuf map has no order; errors should.
  std::sort(level.entries.begin(), level.entries.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return level;
}

}  // namespace

RouteCompiler::RouteCompiler(const route_v3::RouteConfiguration& config, ConfigPath path,
                             RouteCompileContext& context)
    : path_(std::move(path)),
      context_(context),
      forwards_(context),
      errors_before_(context.diagnostics.error_count()) {
  table_ = CompileLevel(config, path_);
  validate_clusters_ = config.has_validate_clusters() ? config.validate_clusters().value()
                                                      : context.validate_clusters_by_default;
  mirrors_ = CompileMirrors(config.request_mirror_policies(), path_);
  most_specific_last_ = config.most_specific_header_mutations_wins();
  max_body_ = config.has_max_direct_response_body_size_bytes()
                  ? config.max_direct_response_body_size_bytes().value()
                  : kDefaultMaxBody;
}

template <class Message>
RouteCompiler::Level RouteCompiler::CompileLevel(const Message& config, const ConfigPath& path) {
  Level level;
  auto compile = [&](const auto& add, std::string_view add_name, const auto& remove,
                     std::string_view remove_name) -> MutationLevel {
    if (add.empty() && remove.empty()) return nullptr;
    return CompileHeaderLevel(add, path.Field(add_name), remove, path.Field(remove_name),
                              context_.diagnostics);
  };
  level.request = compile(config.request_headers_to_add(), "request_headers_to_add",
                          config.request_headers_to_remove(), "request_headers_to_remove");
  level.response = compile(config.response_headers_to_add(), "response_headers_to_add",
                           config.response_headers_to_remove(), "response_headers_to_remove");
  level.filters = FilterLevel(config.typed_per_filter_config(), path);
  return level;
}

std::unique_ptr<VirtualHost> RouteCompiler::CompileVirtualHost(const route_v3::VirtualHost& config,
                                                               uint32_t index) {
  auto host = std::make_unique<VirtualHost>();
  host->scope.virtual_host = config.name();
  host->scope.virtual_host_index = index;
  host->scope.table_path = path_;
  host->scope.include_request_attempt_count = config.include_request_attempt_count();
  host->scope.include_attempt_count_in_response = config.include_attempt_count_in_response();
  host->domains.assign(config.domains().begin(), config.domains().end());

  ConfigPath path = path_.Field("virtual_hosts").Index(index);
  if (config.has_retry_policy()) {
    host->scope.retries =
        CompileRetryPolicy(config.retry_policy(), path.Field("retry_policy"), context_.diagnostics);
  }
  host->scope.hedges = config.hedge_policy().hedge_on_per_try_timeout();
  host->scope.mirrors = CompileMirrors(config.request_mirror_policies(), path);
  if (host->scope.mirrors == nullptr) host->scope.mirrors = mirrors_;
  host_ = Shared();
  host_.level = CompileLevel(config, path);
  host_.request = Combine(nullptr, nullptr, &Level::request);
  host_.response = Combine(nullptr, nullptr, &Level::response);
  host_.chain = context_.chains.Build({&table_.filters, &host_.level.filters});

  host->routes.reserve(static_cast<size_t>(config.routes_size()));
  for (int i = 0; i < config.routes_size(); ++i) {
    auto route = CompileRoute(config.routes(i), host->scope, static_cast<uint32_t>(i));
    if (config.has_request_body_buffer_limit() && !route->request_body_buffer_limit) {
      route->request_body_buffer_limit = config.request_body_buffer_limit().value();
    }
    if (route->path_kind == CompiledRoute::PathKind::kConnect) host->connects.push_back(route->index);
    host->routes.push_back(std::move(route));
  }
  CompileTlsRequirement(config, *host);
  // A table with errors is thrown away; its routes may lack what the index reads.
  if (context_.diagnostics.error_count() == errors_before_) host->index.Build(host->routes);
  return host;
}

void RouteCompiler::CompileTlsRequirement(const route_v3::VirtualHost& config, VirtualHost& host) {
  if (config.require_tls() == route_v3::VirtualHost::NONE) return;
  host.require_tls = config.require_tls() == route_v3::VirtualHost::ALL ? VirtualHost::Tls::kAll
                                                                        : VirtualHost::Tls::kExternalOnly;
  auto route = std::make_unique<CompiledRoute>();
  route->virtual_host = host.scope.virtual_host;
  route->scope = &host.scope;
  route->index = CompiledRoute::kNoIndex;
  auto redirect = std::make_unique<RedirectAction>();
  redirect->scheme = "https";
  route->redirect = std::move(redirect);
  ApplyLevels(nullptr, Level(), *route);
  host.tls_redirect = std::move(route);
}

std::unique_ptr<CompiledRoute> RouteCompiler::CompileRoute(const route_v3::Route& config,
                                                           const RouteScope& scope, uint32_t index) {
  auto route = std::make_unique<CompiledRoute>();
  route->name = config.name();
  route->virtual_host = scope.virtual_host;
  route->scope = &scope;
  route->index = index;
  if (config.has_request_body_buffer_limit()) {
    route->request_body_buffer_limit = config.request_body_buffer_limit().value();
  }
  // Only what goes to a cluster is counted.
  if (config.has_route() && !config.stat_prefix().empty()) {
    route->route_stats = &RouteStats::Of(scope.virtual_host, config.stat_prefix());
  }
  ConfigPath path = route->config_path();
  CompileMatch(config.match(), path.Field("match"), context_, *route);
  Level level = CompileLevel(config, path);
  ApplyLevels(nullptr, level, *route);
  CompileAction(config, path, level, *route);
  return route;
}

void RouteCompiler::CompileAction(const route_v3::Route& config, const ConfigPath& path, const Level& level,
                                  CompiledRoute& route) {
  switch (config.action_case()) {
    case route_v3::Route::kRoute:
      CompileForward(config, path.Field("route"), level, route);
      break;
    case route_v3::Route::kRedirect:
      route.redirect = CompileRedirect(config.redirect(), path.Field("redirect"), context_.diagnostics);
      break;
    case route_v3::Route::kDirectResponse:
      route.direct_response = CompileDirectResponse(config.direct_response(), path.Field("direct_response"),
                                                    max_body_, context_.diagnostics);
      break;
    default:
      context_.diagnostics.Error(path, "needs one of route, redirect and direct_response");
  }
}

const ClusterResponseStats* RouteCompiler::StatsOf(const std::string& cluster) const {
  return &ClusterResponseStats::Of(context_.stat_name ? context_.stat_name(cluster) : cluster);
}

void RouteCompiler::CompileForward(const route_v3::Route& config, const ConfigPath& path, const Level& level,
                                   CompiledRoute& route) {
  const route_v3::RouteAction& action = config.route();
  route.forward = forwards_.Compile(action, path);
  if (route.forward == nullptr) return;
  if (route.forward->mirrors != nullptr) CheckMirrors(*route.forward->mirrors, path);
  switch (action.cluster_specifier_case()) {
    case route_v3::RouteAction::kCluster:
      route.cluster = action.cluster();
      route.cluster_stats = StatsOf(route.cluster);
      CheckCluster(route.cluster, path.Field("cluster"));
      break;
    case route_v3::RouteAction::kClusterHeader:
      break;
    case route_v3::RouteAction::kWeightedClusters:
      CompileWeights(action, path.Field("weighted_clusters"), level, route);
      break;
    default:
      context_.diagnostics.Error(path, "needs one of cluster, cluster_header and weighted_clusters");
  }
}

uint32_t RouteCompiler::WeightOf(const std::string& prefix, const std::string& cluster,
                                 uint32_t weight) const {
  if (prefix.empty() || !context_.runtime) return weight;
  auto value = context_.runtime(prefix + "." + cluster);
  if (!value || *value < 0 || *value > 4294967295.0) return weight;
  return static_cast<uint32_t>(*value);
}

// What a cluster of the choice says otherwise than the route; most say nothing, and share its action.
std::shared_ptr<const ForwardAction> RouteCompiler::ForwardOf(
    const route_v3::WeightedCluster::ClusterWeight& cluster, const route_v3::RouteAction& action,
    const ConfigPath& place, const CompiledRoute& route) const {
  const bool rewrites = !cluster.host_rewrite_literal().empty();
  if (!rewrites && cluster.cluster_header().empty() && !cluster.has_metadata_match()) return route.forward;
  auto forward = std::make_shared<ForwardAction>(*route.forward);
  forward->cluster_header = ToLowerAscii(cluster.cluster_header());
  if (rewrites) {
    CheckHostRewrite(cluster.host_rewrite_literal(), place.Field("host_rewrite_literal"),
                     context_.diagnostics);
    forward->auto_host_rewrite = false;
    forward->host_rewrite = {HostRewrite::Kind::kLiteral, cluster.host_rewrite_literal(), nullptr};
  }
  forward->metadata_match = MetadataMatch::Make(action.metadata_match(), cluster.metadata_match());
  return forward;
}

std::unique_ptr<CompiledRoute> RouteCompiler::CompileWeightedRoute(
    const route_v3::WeightedCluster::ClusterWeight& cluster, const route_v3::RouteAction& action,
    const ConfigPath& place, const Level& level, const CompiledRoute& route) {
  auto made = std::make_unique<CompiledRoute>();
  made->name = route.name;
  made->virtual_host = route.virtual_host;
  made->scope = route.scope;
  made->index = route.index;
  made->request_body_buffer_limit = route.request_body_buffer_limit;
  made->path_kind = route.path_kind;
  made->case_sensitive = route.case_sensitive;
  made->path = route.path;
  made->route_stats = route.route_stats;
  made->cluster = cluster.name();
  made->forward = ForwardOf(cluster, action, place, route);
  if (!made->cluster.empty()) {
    made->cluster_stats = StatsOf(made->cluster);
    CheckCluster(made->cluster, place.Field("name"));
  }
  Level own = CompileLevel(cluster, place);
  ApplyLevels(&own, level, *made);
  return made;
}

void RouteCompiler::CompileWeights(const route_v3::RouteAction& action, const ConfigPath& path,
                                   const Level& level, CompiledRoute& route) {
  const route_v3::WeightedCluster& config = action.weighted_clusters();
  auto choice = std::make_unique<CompiledRoute::WeightedChoice>();
  choice->random_header = ToLowerAscii(config.header_name());
  uint64_t total = 0;
  for (int i = 0; i < config.clusters_size(); ++i) {
    const auto& cluster = config.clusters(i);
    ConfigPath place = path.Field("clusters").Index(static_cast<size_t>(i));
    if (cluster.name().empty() == cluster.cluster_header().empty()) {
      context_.diagnostics.Error(place, "needs exactly one of name and cluster_header");
      continue;
    }
    auto made = CompileWeightedRoute(cluster, action, place, level, route);
    uint32_t weight = WeightOf(config.runtime_key_prefix(), cluster.name(), cluster.weight().value());
    total += weight;
    choice->routes.emplace_back(weight, std::move(made));
  }
  choice->total = static_cast<uint32_t>(total);
  if (total == 0 || total > UINT32_MAX) {
    context_.diagnostics.Error(path.Field("clusters"),
                               "the weights add up to " + std::to_string(total) + "; from 1 to 4294967295");
  }
  route.weighted = std::move(choice);
}

std::shared_ptr<const HeaderMutations> RouteCompiler::Combine(const MutationLevel& cluster,
                                                              const MutationLevel& own,
                                                              MutationLevel Level::* which) const {
  std::vector<MutationLevel> levels{own, host_.level.*which, table_.*which};
  // Envoy turns round these three only; a weighted cluster's come first in any case.
  if (most_specific_last_) std::reverse(levels.begin(), levels.end());
  levels.insert(levels.begin(), cluster);
  std::erase(levels, nullptr);
  if (levels.empty()) return nullptr;
  auto mutations = std::make_shared<HeaderMutations>();
  mutations->levels = std::move(levels);
  return mutations;
}

void RouteCompiler::ApplyLevels(const Level* cluster, const Level& own, CompiledRoute& route) {
  auto mutations = [&](MutationLevel Level::* which, const std::shared_ptr<const HeaderMutations>& shared) {
    MutationLevel of_cluster = cluster == nullptr ? nullptr : cluster->*which;
    if (of_cluster == nullptr && own.*which == nullptr) return shared;
    return Combine(of_cluster, own.*which, which);
  };
  route.request_mutations = mutations(&Level::request, host_.request);
  route.response_mutations = mutations(&Level::response, host_.response);

  RouteChain chain = host_.chain;
  std::vector<const PerFilterConfigLevel*> levels{&table_.filters, &host_.level.filters, &own.filters};
  if (cluster != nullptr) levels.push_back(&cluster->filters);
  bool special = !own.filters.entries.empty() || (cluster != nullptr && !cluster->filters.entries.empty());
  if (special) chain = context_.chains.Build(levels);
  route.chain = std::move(chain.chain);
  route.upgrade_chains = std::move(chain.upgrade_chains);
  route.filter_configs = std::move(chain.configs);
}

void RouteCompiler::CheckCluster(const std::string& cluster, const ConfigPath& path) {
  if (!validate_clusters_ || !context_.has_cluster || context_.has_cluster(cluster)) return;
  context_.diagnostics.Error(path, "no cluster is called \"" + cluster + "\"");
}

}  // namespace narthex
