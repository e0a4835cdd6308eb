#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_config.h"
#include "source/server/snapshot_parts.h"
#include "source/tcp_proxy/tcp_proxy_config.h"

namespace narthex {

namespace {

using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;

std::function<bool(std::string_view)> HasCluster(const ListenerContext& context) {
  return [&names = context.cluster_names](std::string_view name) { return names.contains(name); };
}

std::shared_ptr<const HcmConfig> CompileManager(const google::protobuf::Any& any, const ConfigPath& path,
                                                const ListenerContext& context) {
  absl::StatusOr<HttpConnectionManager> hcm = Unpack<HttpConnectionManager>(any, path);
  context.diagnostics.AddStatus(hcm.status());
  if (!hcm.ok()) return nullptr;
  HcmCompileContext compile{
      .diagnostics = context.diagnostics,
      .registry = context.registry,
      .has_cluster = HasCluster(context),
      .profile = context.snapshot.edge_profile ? Profile::kEdge : Profile::kEnvoy,
      .buffer_limit = context.listener.buffer_limit,
      .node_cluster = context.files.bootstrap->node().cluster(),
      .node_id = context.files.bootstrap->node().id(),
      .runtime = RuntimeOf(context.snapshot),
      .switches = [&](std::string_view key) { return context.snapshot.RuntimeSwitch(std::string(key)); },
      .stat_name =
          [&](std::string_view name) {
            const auto found = context.cluster_names.find(name);
            return found == context.cluster_names.end() ? std::string(name) : found->second;
          },
      .min_client_rate = context.snapshot.min_client_rate,
      .tolerate_unsupported = context.files.tolerate_unsupported};
  std::shared_ptr<const HcmConfig> compiled = CompileHcm(*hcm, path, compile);
  if (compiled == nullptr) return nullptr;
  // Exchanges hold the connection manager's configuration longer than the snapshot, and its paths with it.
  struct Kept {
    std::shared_ptr<const HcmConfig> hcm;
    std::vector<ConfigDocument> documents;
  };
  auto kept = std::make_shared<Kept>(Kept{std::move(compiled), context.files.documents});
  return std::shared_ptr<const HcmConfig>(kept, kept->hcm.get());
}

std::shared_ptr<const TcpProxyConfig> CompileProxy(const google::protobuf::Any& any, const ConfigPath& path,
                                                   const ListenerContext& context) {
  absl::StatusOr<TcpProxy> proxy = Unpack<TcpProxy>(any, path);
  context.diagnostics.AddStatus(proxy.status());
  if (!proxy.ok()) return nullptr;
  return CompileTcpProxy(*proxy, path,
                         {.diagnostics = context.diagnostics,
                          .has_cluster = HasCluster(context),
                          .buffer_limit = context.listener.buffer_limit,
                          .runtime = RuntimeOf(context.snapshot)});
}

}  // namespace

RuntimeLookup RuntimeOf(const Snapshot& snapshot) {
  return [&snapshot](std::string_view key) { return snapshot.RuntimeNumber(std::string(key)); };
}

void CompileNetworkFilters(const envoy::config::listener::v3::FilterChain& chain, const ConfigPath& path,
                           const ListenerContext& context, FilterChainConfig& into) {
  if (chain.filters().empty()) {
    context.diagnostics.Error(
        path, "has no filters; the last must be the HTTP connection manager or the TCP proxy");
    return;
  }
  const ConfigPath filters = path.Field("filters");
  const int last = chain.filters_size() - 1;
  for (int i = 0; i < last; ++i) {
    context.diagnostics.Error(filters.Index(i),
                              "network filter \"" + chain.filters(i).name() +
                                  "\" is not supported; only the HTTP connection manager and the TCP proxy "
                                  "are, as the last");
  }
  const google::protobuf::Any& any = chain.filters(last).typed_config();
  const ConfigPath at = filters.Index(last).Field("typed_config");
  if (any.Is<TcpProxy>()) {
    into.tcp = CompileProxy(any, at, context);
  } else {
    into.hcm = CompileManager(any, at, context);
  }
}

}  // namespace narthex
