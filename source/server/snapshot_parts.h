#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "source/filter/runtime.h"
#include "source/server/snapshot.h"

namespace envoy::config::listener::v3 {
class FilterChain;
class Listener;
}  // namespace envoy::config::listener::v3

namespace narthex {

// What one connection may keep in memory, by the edge profile.
inline constexpr uint32_t kEdgeBufferLimit = 32 * 1024;
// How many connections a listener takes before it lets others be served, by the edge profile.
inline constexpr uint32_t kEdgeAcceptsPerEvent = 16;
// How many connections a listener, and all of them together, may have at once, by the edge profile, and the
// runtime keys (Envoy's) that say otherwise.
inline constexpr uint64_t kEdgeListenerConnections = 10'000;
inline constexpr uint64_t kEdgeConnections = 50'000;
inline constexpr std::string_view kConnectionsKey = "overload.global_downstream_max_connections";
std::string ListenerConnectionsKey(const std::string& listener);
// What the runtime says of `key`, else the profile.
uint64_t ConnectionLimit(const Snapshot& snapshot, const std::string& key, uint64_t edge);
// How long a client's TLS handshake may take, by the edge profile.
inline constexpr std::chrono::milliseconds kEdgeHandshakeTimeout{10'000};
// What a client must move, in bytes a second, by the edge profile.
inline constexpr uint32_t kEdgeMinClientRate = 240;

// The steps of BuildSnapshot; each adds what is wrong to the diagnostics and fills in what it can.
void CompileAdmin(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics);
// The overload manager, and how many connections there may be. REQUIRES: the runtime is compiled.
void CompileOverloadManager(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics);
void CompileClusters(const ConfigFiles& files, const Snapshot* previous, Snapshot& snapshot,
                     Diagnostics& diagnostics);
// REQUIRES: clusters are compiled.
void CompileListeners(const ConfigFiles& files, const FilterRegistry& registry, Snapshot& snapshot,
                      Diagnostics& diagnostics);
// What the chains of one listener are compiled with.
struct ListenerContext {
  const ConfigFiles& files;
  const FilterRegistry& registry;
  const Snapshot& snapshot;
  const ListenerConfig& listener;
  // As written: a cluster with an error of its own is not missing as well.
  const std::map<std::string, std::string, std::less<>>& cluster_names;  // with that in statistics
  Diagnostics& diagnostics;
};
RuntimeLookup RuntimeOf(const Snapshot& snapshot);
// The network filters of `chain`, at `path`, into the terminal filter of `into`.
void CompileNetworkFilters(const envoy::config::listener::v3::FilterChain& chain, const ConfigPath& path,
                           const ListenerContext& context, FilterChainConfig& into);
// All that is decided of a connection before it is served by `chain`: the match, the transport socket with
// the bootstrap's secrets that it names, the listener filters. Equal in two configurations, and only then,
// the chain is the same, and its connections go on in the later one. Of files it has the names.
std::string ChainIdentity(const envoy::config::listener::v3::FilterChain& chain, bool is_default,
                          const envoy::config::listener::v3::Listener& listener, const ConfigFiles& files);
// Which statistics are shown, and into which buckets histograms count: bootstrap's stats_config. The buckets
// are the process's from its first configuration on.
void CompileStatsConfig(const ConfigFiles& files, const Snapshot* previous, Snapshot& snapshot,
                        Diagnostics& diagnostics);
// No two sockets may bind the same address.
void CheckAddresses(const Snapshot& snapshot, Diagnostics& diagnostics);

}  // namespace narthex
