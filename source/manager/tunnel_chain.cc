#include "source/manager/tunnel_chain.h"

#include "source/http/tunnel.h"

namespace narthex {

TunnelChain TunnelChain::Of(const HcmConfig& config, const CompiledRoute& route, const HeaderMap& request) {
  if (route.forward == nullptr) return {};
  const std::string_view type = TunnelType(request);
  const UpgradeRule* const general = config.upgrades.Find(type);
  const UpgradeRule* const here = route.forward->upgrades.Find(type);
  const UpgradeRule* const decides = here != nullptr ? here : general;
  if (decides == nullptr || !decides->enabled) return {};
  if (general == nullptr || !general->chain) return {route.chain.get(), &config.filters};
  return {(*route.upgrade_chains)[*general->chain].get(), &config.upgrade_filters[*general->chain]};
}

}  // namespace narthex
