#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/filter/chain_builder.h"
#include "source/router/compile_actions.h"
#include "source/router/compile_mirrors.h"
#include "source/router/compiled_route.h"
#include "source/router/virtual_host.h"

namespace envoy::config::route::v3 {
class Route;
class RouteConfiguration;
class VirtualHost;
class RouteAction;
class WeightedCluster_ClusterWeight;
}  // namespace envoy::config::route::v3

namespace narthex {

// Compiles the virtual hosts and routes of one RouteConfiguration. Lives during RouteTable::Compile. Goes on
// after an error, so that one run reports all of them.
class RouteCompiler {
 public:
  RouteCompiler(const envoy::config::route::v3::RouteConfiguration& config, ConfigPath path,
                RouteCompileContext& context);

  std::unique_ptr<VirtualHost> CompileVirtualHost(const envoy::config::route::v3::VirtualHost& config,
                                                  uint32_t index);

 private:
  using MutationLevel = std::shared_ptr<const HeaderMutationLevel>;
  // What one level of the configuration adds to its routes.
  struct Level {
    MutationLevel request;
    MutationLevel response;
    PerFilterConfigLevel filters;
  };
  // What the routes of the virtual host in work share, unless they have a level of their own.
  struct Shared {
    Level level;
    std::shared_ptr<const HeaderMutations> request;
    std::shared_ptr<const HeaderMutations> response;
    RouteChain chain;
  };

  template <class Message>
  Level CompileLevel(const Message& config, const ConfigPath& path);
  std::unique_ptr<CompiledRoute> CompileRoute(const envoy::config::route::v3::Route& config,
                                              const RouteScope& scope, uint32_t index);
  void CompileAction(const envoy::config::route::v3::Route& config, const ConfigPath& path,
                     const Level& level, CompiledRoute& route);
  void CompileForward(const envoy::config::route::v3::Route& config, const ConfigPath& path,
                      const Level& level, CompiledRoute& route);
  void CompileWeights(const envoy::config::route::v3::RouteAction& action, const ConfigPath& path,
                      const Level& level, CompiledRoute& route);
  void CompileTlsRequirement(const envoy::config::route::v3::VirtualHost& config, VirtualHost& host);
  std::unique_ptr<CompiledRoute> CompileWeightedRoute(
      const envoy::config::route::v3::WeightedCluster_ClusterWeight& cluster,
      const envoy::config::route::v3::RouteAction& action, const ConfigPath& place, const Level& level,
      const CompiledRoute& route);
  std::shared_ptr<const ForwardAction> ForwardOf(
      const envoy::config::route::v3::WeightedCluster_ClusterWeight& cluster,
      const envoy::config::route::v3::RouteAction& action, const ConfigPath& place,
      const CompiledRoute& route) const;
  uint32_t WeightOf(const std::string& prefix, const std::string& cluster, uint32_t weight) const;
  void ApplyLevels(const Level* cluster, const Level& own, CompiledRoute& route);
  std::shared_ptr<const HeaderMutations> Combine(const MutationLevel& cluster, const MutationLevel& own,
                                                 MutationLevel Level::* which) const;
  const ClusterResponseStats* StatsOf(const std::string& cluster) const;
  void CheckCluster(const std::string& cluster, const ConfigPath& path);
  // Of the message at `path`.
  std::shared_ptr<const MirrorPolicies> CompileMirrors(const MirrorPolicyList& configs,
                                                       const ConfigPath& path);
  void CheckMirrors(const MirrorPolicies& policies, const ConfigPath& path);

  ConfigPath path_;
  RouteCompileContext& context_;
  ForwardCompiler forwards_;
  Level table_;
  Shared host_;
  std::shared_ptr<const MirrorPolicies> mirrors_;  // of the table
  bool validate_clusters_;
  bool most_specific_last_;
  uint64_t max_body_;
  size_t errors_before_;
};

}  // namespace narthex
