#include <algorithm>
#include <functional>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/server/listener_config.h"

namespace narthex {

namespace {

using Candidates = std::vector<const FilterChainConfig*>;
// How well a chain fits by one criterion: -1 not at all, 0 it does not ask, more is more specific.
using Fit = std::function<int(const FilterChainMatch& match)>;

int CidrFit(const std::vector<std::pair<Cidr, uint32_t>>& ranges, const Address& address) {
  if (ranges.empty()) return 0;
  int best = -1;
  for (const auto& [cidr, length] : ranges) {
    if (cidr.Contains(address)) best = std::max(best, 1 + static_cast<int>(length));
  }
  return best;
}

int ServerNameFit(const std::vector<std::string>& names, std::string_view name) {
  if (names.empty()) return 0;
  int best = -1;
  for (const std::string& wanted : names) {
    if (wanted == name && !name.empty()) return 1 << 20;
    const bool wildcard = wanted.starts_with("*.");
    if (wildcard && name.size() >= wanted.size() && name.ends_with(std::string_view(wanted).substr(1))) {
      best = std::max(best, static_cast<int>(wanted.size()));
    }
  }
  return best;
}

template <class T>
int ListFit(const std::vector<T>& wanted, const T& value) {
  if (wanted.empty()) return 0;
  return std::find(wanted.begin(), wanted.end(), value) == wanted.end() ? -1 : 1;
}

// Any of those that the client offers.
int ProtocolFit(const std::vector<std::string>& wanted, const std::vector<std::string>& offered) {
  if (wanted.empty()) return 0;
  const auto is_wanted = [&](const std::string& name) { return ListFit(wanted, name) > 0; };
  return std::any_of(offered.begin(), offered.end(), is_wanted) ? 1 : -1;
}

void Narrow(Candidates& candidates, const Fit& fit) {
  int best = -1;
  for (const FilterChainConfig* chain : candidates) best = std::max(best, fit(chain->match));
  std::erase_if(candidates, [&](const FilterChainConfig* chain) {
    const int own = fit(chain->match);
    return own < 0 || own != best;
  });
}

std::pair<Cidr, uint32_t> CompileRange(const envoy::config::core::v3::CidrRange& range,
                                       const ConfigPath& path, Diagnostics& diagnostics) {
  const uint32_t length = range.prefix_len().value();
  absl::StatusOr<Cidr> cidr = Cidr::Make(range.address_prefix(), length);
  if (cidr.ok()) return {*cidr, length};
  diagnostics.Error(path, std::string(cidr.status().message().data(), cidr.status().message().size()));
  return {};
}

}  // namespace

const FilterChainConfig* ListenerConfig::FindChain(const ConnectionTraits& traits) const {
  Candidates candidates;
  candidates.reserve(chains.size());
  for (const FilterChainConfig& chain : chains) candidates.push_back(&chain);
  const Fit criteria[] = {
      [&](const FilterChainMatch& match) {
        if (!match.destination_port) return 0;
        return *match.destination_port == traits.local.port() ? 1 : -1;
      },
      [&](const FilterChainMatch& match) { return CidrFit(match.destinations, traits.local); },
      [&](const FilterChainMatch& match) { return ServerNameFit(match.server_names, traits.server_name); },
      [&](const FilterChainMatch& match) {
        if (match.transport_protocol.empty()) return 0;
        return match.transport_protocol == traits.transport_protocol ? 1 : -1;
      },
      [&](const FilterChainMatch& match) {
        return ProtocolFit(match.application_protocols, traits.application_protocols);
      },
      [&](const FilterChainMatch& match) { return CidrFit(match.sources, traits.remote); },
      [&](const FilterChainMatch& match) { return ListFit(match.source_ports, traits.remote.port()); },
  };
  for (const Fit& fit : criteria) Narrow(candidates, fit);
  if (!candidates.empty()) return candidates.front();
  return default_chain ? &*default_chain : nullptr;
}

const FilterChainConfig* ListenerConfig::FindIdentity(std::string_view identity) const {
  for (const FilterChainConfig* chain : AllChains()) {
    if (chain->identity == identity) return chain;
  }
  return nullptr;
}

std::vector<const FilterChainConfig*> ListenerConfig::AllChains() const {
  std::vector<const FilterChainConfig*> all;
  for (const FilterChainConfig& chain : chains) all.push_back(&chain);
  if (default_chain) all.push_back(&*default_chain);
  return all;
}

FilterChainMatch CompileChainMatch(const envoy::config::listener::v3::FilterChainMatch& match,
                                   const ConfigPath& path, Diagnostics& diagnostics) {
  FilterChainMatch compiled;
  if (match.has_destination_port()) {
    compiled.destination_port = static_cast<uint16_t>(match.destination_port().value());
  }
  for (int i = 0; i < match.prefix_ranges_size(); ++i) {
    compiled.destinations.push_back(
        CompileRange(match.prefix_ranges(i), path.Field("prefix_ranges").Index(i), diagnostics));
  }
  for (int i = 0; i < match.source_prefix_ranges_size(); ++i) {
    compiled.sources.push_back(CompileRange(match.source_prefix_ranges(i),
                                            path.Field("source_prefix_ranges").Index(i), diagnostics));
  }
  for (uint32_t port : match.source_ports()) compiled.source_ports.push_back(static_cast<uint16_t>(port));
  for (int i = 0; i < match.server_names_size(); ++i) {
    const std::string& name = match.server_names(i);
    if (name.find('*') != std::string::npos && (!name.starts_with("*.") || name.rfind('*') != 0)) {
      diagnostics.Error(path.Field("server_names").Index(i),
                        "\"*\" stands for whole labels at the beginning, as in \"*.example.com\"");
    }
    compiled.server_names.push_back(name);
  }
  compiled.application_protocols.assign(match.application_protocols().begin(),
                                        match.application_protocols().end());
  compiled.transport_protocol = match.transport_protocol();
  if (!compiled.transport_protocol.empty() && compiled.transport_protocol != "raw_buffer" &&
      compiled.transport_protocol != "tls") {
    diagnostics.Error(path.Field("transport_protocol"), "must be raw_buffer or tls");
  }
  return compiled;
}

}  // namespace narthex
