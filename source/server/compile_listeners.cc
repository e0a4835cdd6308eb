#include <map>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "source/server/compile_transport.h"
#include "source/server/snapshot_parts.h"

namespace narthex {

namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;

constexpr uint32_t kEnvoyBufferLimit = 1024 * 1024;

void CompileTls(const FilterChain& chain, const ConfigPath& path, const ListenerContext& context,
                FilterChainConfig& into) {
  into.connect_timeout = context.snapshot.edge_profile ? kEdgeHandshakeTimeout : std::chrono::milliseconds(0);
  if (chain.has_transport_socket_connect_timeout()) {
    const auto& timeout = chain.transport_socket_connect_timeout();
    into.connect_timeout = std::chrono::milliseconds(timeout.seconds() * 1000 + timeout.nanos() / 1'000'000);
  }
  if (!chain.has_transport_socket()) return;
  into.tls =
      CompileDownstreamTransport(chain.transport_socket(), path.Field("transport_socket"),
                                 StatPrefixOf(context.listener, context.listener.sockets[0].address),
                                 {context.snapshot.files, context.snapshot.ticket_keys, context.diagnostics});
}

FilterChainConfig CompileChain(const FilterChain& chain, const ConfigPath& path,
                               const ListenerContext& context) {
  FilterChainConfig compiled;
  compiled.name = chain.name();
  compiled.origin = path.Origin();
  CompileTls(chain, path, context, compiled);
  compiled.match =
      CompileChainMatch(chain.filter_chain_match(), path.Field("filter_chain_match"), context.diagnostics);
  CompileNetworkFilters(chain, path, context, compiled);
  return compiled;
}

// Two chains with the same match: the second would never take a connection.
void CheckMatches(const Listener& listener, const ConfigPath& path, Diagnostics& diagnostics) {
  std::map<std::string, int> seen;
  for (int i = 0; i < listener.filter_chains_size(); ++i) {
    const std::string key = listener.filter_chains(i).filter_chain_match().SerializeAsString();
    const auto [first, inserted] = seen.emplace(key, i);
    if (inserted) continue;
    const ConfigPath chains = path.Field("filter_chains");
    diagnostics.Error(chains.Index(i), "has the same filter_chain_match as the chain at " +
                                           chains.Index(first->second).Origin().Position());
  }
}

void CompileListener(const Listener& listener, const ConfigPath& path, ListenerContext context,
                     ListenerConfig& into) {
  into.name = listener.name();
  into.origin = path.Origin();
  into.stat_prefix = listener.stat_prefix();
  into.max_accepts_per_event = context.snapshot.edge_profile ? kEdgeAcceptsPerEvent : 0;
  if (listener.has_max_connections_to_accept_per_socket_event()) {
    into.max_accepts_per_event = listener.max_connections_to_accept_per_socket_event().value();
  }
  into.buffer_limit = context.snapshot.edge_profile ? kEdgeBufferLimit : kEnvoyBufferLimit;
  if (listener.has_per_connection_buffer_limit_bytes()) {
    into.buffer_limit = listener.per_connection_buffer_limit_bytes().value();
  }
  into.max_connections =
      ConnectionLimit(context.snapshot, ListenerConnectionsKey(listener.name()), kEdgeListenerConnections);
  for (int i = 0; i < listener.access_log_size(); ++i) {
    into.access_logs.push_back(AccessLog::Compile(listener.access_log(i), path.Field("access_log").Index(i),
                                                  context.diagnostics, RuntimeOf(context.snapshot)));
  }
  if (listener.drain_type() != Listener::DEFAULT) {
    context.diagnostics.Error(path.Field("drain_type"),
                              "exists in Envoy v3 but Narthex does not support it yet, except DEFAULT");
  }
  CompileListenerSockets(listener, path, into, context.diagnostics);
  into.listener_filters = CompileListenerFilters(listener, path, context.diagnostics);
  if (listener.filter_chains().empty() && !listener.has_default_filter_chain()) {
    context.diagnostics.Error(path, "has no filter_chains: no connection could be served");
  }
  for (int i = 0; i < listener.filter_chains_size(); ++i) {
    into.chains.push_back(
        CompileChain(listener.filter_chains(i), path.Field("filter_chains").Index(i), context));
  }
  CheckMatches(listener, path, context.diagnostics);
  if (listener.has_default_filter_chain()) {
    into.default_chain =
        CompileChain(listener.default_filter_chain(), path.Field("default_filter_chain"), context);
  }
}

}  // namespace

void CompileListeners(const ConfigFiles& files, const FilterRegistry& registry, Snapshot& snapshot,
                      Diagnostics& diagnostics) {
  std::map<std::string, Origin> names;
  std::map<std::string, std::string, std::less<>> clusters;
  for (const auto& placed : files.clusters) {
    const auto& cluster = *placed.message;
    clusters.emplace(cluster.name(),
                     cluster.alt_stat_name().empty() ? cluster.name() : cluster.alt_stat_name());
  }
  for (const Placed<Listener>& placed : files.listeners) {
    auto compiled = std::make_shared<ListenerConfig>();
    CompileListener(*placed.message, placed.path,
                    {files, registry, snapshot, *compiled, clusters, diagnostics}, *compiled);
    // Unnamed listeners get their address, as Envoy gives them one.
    if (compiled->name.empty()) compiled->name = compiled->sockets[0].address.ToString();
    const auto [first, inserted] = names.emplace(compiled->name, compiled->origin);
    if (!inserted) {
      diagnostics.Error(
          placed.path.Field("name"),
          "listener \"" + compiled->name + "\" is defined already at " + first->second.Position());
    }
    snapshot.listeners.push_back(std::move(compiled));
  }
}

}  // namespace narthex
