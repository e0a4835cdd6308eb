#include "source/tcp_proxy/tcp_proxy_config.h"

#include <utility>

#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/config/duration.h"
#include "source/http/body_read_size.h"

namespace narthex {

namespace {

using envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;

void AddCluster(const std::string& name, uint64_t weight, const ConfigPath& path,
                const TcpProxyCompileContext& context, TcpProxyConfig& into) {
  if (context.has_cluster && !context.has_cluster(name)) {
    context.diagnostics.Error(path, "no cluster is called \"" + name + "\"");
  }
  const uint64_t before = into.clusters.empty() ? 0 : into.clusters.back().up_to;
  into.clusters.push_back({name, before + weight});
}

void CompileClusters(const TcpProxy& config, const ConfigPath& path, const TcpProxyCompileContext& context,
                     TcpProxyConfig& into) {
  if (!config.has_weighted_clusters()) {
    return AddCluster(config.cluster(), 1, path.Field("cluster"), context, into);
  }
  const ConfigPath clusters = path.Field("weighted_clusters").Field("clusters");
  for (int i = 0; i < config.weighted_clusters().clusters_size(); ++i) {
    const auto& share = config.weighted_clusters().clusters(i);
    AddCluster(share.name(), share.weight(), clusters.Index(static_cast<size_t>(i)).Field("name"), context,
               into);
  }
}

void CompileLogs(const TcpProxy& config, const ConfigPath& path, const TcpProxyCompileContext& context,
                 TcpProxyConfig& into) {
  for (int i = 0; i < config.access_log_size(); ++i) {
    into.access_logs.push_back(AccessLog::Compile(config.access_log(i),
                                                  path.Field("access_log").Index(static_cast<size_t>(i)),
                                                  context.diagnostics, context.runtime));
  }
  const auto& options = config.access_log_options();
  into.log_on_start = options.flush_access_log_on_start();
  into.log_on_connected = options.flush_access_log_on_connected();
  if (options.has_access_log_flush_interval()) {
    into.log_interval = ToMilliseconds(options.access_log_flush_interval());
  }
}

}  // namespace

TcpProxyStats::TcpProxyStats(const std::string& prefix) {
  StatsStore& store = StatsStore::Process();
  cx_total = store.MakeCounter(prefix + "downstream_cx_total");
  cx_no_route = store.MakeCounter(prefix + "downstream_cx_no_route");
  idle_timeout = store.MakeCounter(prefix + "idle_timeout");
  max_downstream_connection_duration = store.MakeCounter(prefix + "max_downstream_connection_duration");
  relay.received = store.MakeCounter(prefix + "downstream_cx_rx_bytes_total");
  relay.sent = store.MakeCounter(prefix + "downstream_cx_tx_bytes_total");
  relay.reading_paused = store.MakeCounter(prefix + "downstream_flow_control_paused_reading_total");
  relay.reading_resumed = store.MakeCounter(prefix + "downstream_flow_control_resumed_reading_total");
}

const std::string& TcpProxyConfig::ChooseCluster(uint64_t random) const {
  const uint64_t point = random % clusters.back().up_to;
  for (const ClusterShare& share : clusters) {
    if (point < share.up_to) return share.cluster;
  }
  return clusters.back().cluster;
}

std::shared_ptr<const TcpProxyConfig> CompileTcpProxy(const TcpProxy& config, const ConfigPath& path,
                                                      const TcpProxyCompileContext& context) {
  const size_t errors_before = context.diagnostics.error_count();
  auto compiled = std::make_shared<TcpProxyConfig>(config.stat_prefix());
  CompileClusters(config, path, context, *compiled);
  if (config.has_max_connect_attempts()) {
    compiled->max_connect_attempts = config.max_connect_attempts().value();
  }
  if (config.has_idle_timeout()) compiled->idle_timeout = ToMilliseconds(config.idle_timeout());
  if (config.has_max_downstream_connection_duration()) {
    compiled->max_duration = ToMilliseconds(config.max_downstream_connection_duration());
  }
  compiled->read_size = BodyReadSize(context.buffer_limit);
  CompileLogs(config, path, context, *compiled);
  if (context.diagnostics.error_count() != errors_before) return nullptr;
  return compiled;
}

}  // namespace narthex
