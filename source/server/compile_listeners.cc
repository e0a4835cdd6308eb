#include <algorithm>
#include <map>
#include <utility>

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
                               const ListenerContext& context, std::string identity) {
  FilterChainConfig compiled;
  compiled.name = chain.name();
  compiled.identity = std::move(identity);
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

// Legal in Envoy, and a riddle to who reads `explain`.
void WarnOfNames(const Listener& listener, const ConfigPath& path, Diagnostics& diagnostics) {
  std::map<std::string, int> seen;
  for (int i = 0; i < listener.filter_chains_size(); ++i) {
    const std::string& name = listener.filter_chains(i).name();
    if (name.empty() || seen.emplace(name, i).second) continue;
    const ConfigPath chains = path.Field("filter_chains");
    diagnostics.Warning(chains.Index(i).Field("name"),
                        "is also the name of the chain at " + chains.Index(seen[name]).Origin().Position());
  }
}

template <class Filter>
bool Has(const ListenerFilters& filters) {
  return std::any_of(filters.filters.begin(), filters.filters.end(),
                     [](const ListenerFilter& filter) { return std::holds_alternative<Filter>(filter); });
}

// What no listener filter finds out is matched by no connection.
void WarnOfInspectors(const Listener& listener, const ListenerFilters& filters, const ConfigPath& path,
                      Diagnostics& diagnostics) {
  if (Has<TlsInspectorFilter>(filters)) return;
  constexpr std::string_view kNever =
      " can never hold: it is found out by envoy.filters.listener.tls_inspector, which listener_filters "
      "lacks";
  for (int i = 0; i < listener.filter_chains_size(); ++i) {
    const auto& match = listener.filter_chains(i).filter_chain_match();
    const auto warn = [&](const std::string& field) {
      diagnostics.Warning(path.Field("filter_chains").Index(i).Field("filter_chain_match").Field(field),
                          field + std::string(kNever));
    };
    if (!match.server_names().empty()) warn("server_names");
    if (match.transport_protocol() == "tls") warn("transport_protocol");
    if (!match.application_protocols().empty() && !Has<HttpInspectorFilter>(filters)) {
      warn("application_protocols");
    }
  }
}

void CompileChains(const Listener& listener, const ConfigPath& path, const ListenerContext& context,
                   ListenerConfig& into) {
  if (listener.filter_chains().empty() && !listener.has_default_filter_chain()) {
    context.diagnostics.Error(path, "has no filter_chains: no connection could be served");
  }
  for (int i = 0; i < listener.filter_chains_size(); ++i) {
    const FilterChain& chain = listener.filter_chains(i);
    into.chains.push_back(CompileChain(chain, path.Field("filter_chains").Index(i), context,
                                       ChainIdentity(chain, false, listener, context.files)));
  }
  CheckMatches(listener, path, context.diagnostics);
  WarnOfNames(listener, path, context.diagnostics);
  WarnOfInspectors(listener, into.listener_filters, path, context.diagnostics);
  if (!listener.has_default_filter_chain()) return;
  const FilterChain& chain = listener.default_filter_chain();
  into.default_chain = CompileChain(chain, path.Field("default_filter_chain"), context,
                                    ChainIdentity(chain, true, listener, context.files));
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
  into.total_limit_name = context.snapshot.max_connections_name;
  into.max_connections =
      ConnectionLimit(context.snapshot, ListenerConnectionsKey(listener.name()), kEdgeListenerConnections);
  for (int i = 0; i < listener.access_log_size(); ++i) {
    into.access_logs.push_back(AccessLog::Compile(listener.access_log(i), path.Field("access_log").Index(i),
                                                  context.diagnostics, RuntimeOf(context.snapshot)));
  }
  into.drains_when_failing = listener.drain_type() != Listener::MODIFY_ONLY;
  CompileListenerSockets(listener, path, into, context.diagnostics);
  into.listener_filters = CompileListenerFilters(listener, path, context.diagnostics);
  CompileChains(listener, path, context, into);
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
