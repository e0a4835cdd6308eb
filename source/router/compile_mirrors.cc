#include "source/router/compile_mirrors.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/base/ascii.h"
#include "source/net/machine_address.h"
#include "source/router/compile_actions.h"
#include "source/router/compile_matchers.h"
#include "source/router/route_compiler.h"

namespace narthex {
namespace {

namespace route_v3 = envoy::config::route::v3;

MirrorPolicy CompileMirrorPolicy(const route_v3::RouteAction::RequestMirrorPolicy& config,
                                 const ConfigPath& path, const RouteCompileContext& context) {
  MirrorPolicy policy;
  if (config.cluster().empty() == config.cluster_header().empty()) {
    context.diagnostics.Error(path, "needs exactly one of cluster and cluster_header");
  }
  policy.cluster = config.cluster();
  if (!policy.cluster.empty()) {
    policy.stats =
        &ClusterResponseStats::Of(context.stat_name ? context.stat_name(policy.cluster) : policy.cluster);
  }
  policy.cluster_header = ToLowerAscii(config.cluster_header());
  if (config.has_runtime_fraction()) {
    policy.share = CompileRuntimeFraction(config.runtime_fraction(), path.Field("runtime_fraction"), context);
  }
  CompileFieldMutations(config.request_headers_mutations(), path.Field("request_headers_mutations"),
                        context.diagnostics, policy.mutations);
  policy.host = config.host_rewrite_literal();
  if (!policy.host.empty()) {
    CheckHostRewrite(policy.host, path.Field("host_rewrite_literal"), context.diagnostics);
  }
  policy.via = MachineAddress();
  policy.mark_host = !config.disable_shadow_host_suffix_append();
  return policy;
}

}  // namespace

std::shared_ptr<const MirrorPolicies> CompileMirrorPolicies(const MirrorPolicyList& configs,
                                                            const ConfigPath& path,
                                                            const RouteCompileContext& context) {
  if (configs.empty()) return nullptr;
  auto policies = std::make_shared<MirrorPolicies>();
  for (int i = 0; i < configs.size(); ++i) {
    policies->push_back(CompileMirrorPolicy(configs.Get(i), path.Index(static_cast<size_t>(i)), context));
  }
  return policies;
}

std::shared_ptr<const MirrorPolicies> RouteCompiler::CompileMirrors(const MirrorPolicyList& configs,
                                                                    const ConfigPath& path) {
  auto policies = CompileMirrorPolicies(configs, path.Field("request_mirror_policies"), context_);
  if (policies != nullptr) CheckMirrors(*policies, path);
  return policies;
}

void RouteCompiler::CheckMirrors(const MirrorPolicies& policies, const ConfigPath& path) {
  const ConfigPath list = path.Field("request_mirror_policies");
  for (size_t i = 0; i < policies.size(); ++i) {
    if (!policies[i].cluster.empty()) CheckCluster(policies[i].cluster, list.Index(i).Field("cluster"));
  }
}

}  // namespace narthex
