#include "source/manager/hcm_config.h"

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/manager/access_log.h"
#include "source/manager/hcm_parts.h"
#include "source/manager/local_reply_policy.h"
#include "source/router/compiled_route.h"

namespace narthex {
namespace {

void CompileAccessLogs(const HcmProto& config, const ConfigPath& path, HcmCompileContext& context,
                       HcmConfig& hcm) {
  for (int i = 0; i < config.access_log_size(); ++i) {
    hcm.access_logs.push_back(AccessLog::Compile(config.access_log(i),
                                                 path.Field("access_log").Index(static_cast<size_t>(i)),
                                                 context.diagnostics, context.runtime));
  }
}

}  // namespace

std::shared_ptr<const HcmConfig> CompileHcm(const HcmProto& config, ConfigPath path,
                                            HcmCompileContext& context) {
  size_t errors = context.diagnostics.error_count();
  auto hcm = std::make_shared<HcmConfig>();
  hcm->stat_prefix = "http." + config.stat_prefix() + ".";
  hcm->origin = path.Origin().ToString();
  hcm->profile = context.profile;
  CompileAccessLogs(config, path, context, *hcm);
  if (config.has_local_reply_config()) {
    hcm->local_replies = LocalReplyPolicy::Compile(
        config.local_reply_config(), path.Field("local_reply_config"), context.diagnostics, context.runtime);
  }
  CompileCodec(config, path, context, *hcm);
  CompilePolicies(config, path, context, *hcm);
  CompileClientAddress(config, path, context, *hcm);
  ChainBuilder chains = CompileFilters(config, path, context, *hcm);
  CompileRoutes(config, path, chains, context, *hcm);
  auto no_route = std::make_shared<CompiledRoute>();
  RouteChain usual = chains.Build({});
  no_route->chain = std::move(usual.chain);
  no_route->upgrade_chains = std::move(usual.upgrade_chains);
  hcm->no_route = std::move(no_route);
  if (context.diagnostics.error_count() > errors) return nullptr;
  // Only what will run registers its names.
  hcm->stats = HcmStats::Make(hcm->stat_prefix);
  return hcm;
}

}  // namespace narthex
