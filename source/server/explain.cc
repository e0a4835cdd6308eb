#include "source/server/explain.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "source/base/ascii.h"
#include "source/server/explain_cluster.h"
#include "source/tcp_proxy/tcp_proxy_config.h"

namespace narthex {
namespace {

struct Choice {
  const ListenerConfig* listener = nullptr;
  const SocketConfig* socket = nullptr;
  bool by_port = false;
};

// The listener on the URL's port; without one, the first: a test of a configuration seldom names the bound
// port.
Choice ChooseListener(const Snapshot& snapshot, std::optional<uint16_t> port) {
  Choice first;
  for (const auto& listener : snapshot.listeners) {
    for (const SocketConfig& socket : listener->sockets) {
      if (port && socket.address.port() == *port) return {listener.get(), &socket, true};
      if (first.listener == nullptr) first = {listener.get(), &socket, false};
    }
  }
  return first;
}

// The name that a client asks for in its handshake: the URL's host, unless that is an address.
std::string ServerNameOf(const ExplainUrl& url) {
  const std::string& host = url.authority;
  if (host.starts_with('[')) return "";
  std::string name = ToLowerAscii(std::string_view(host).substr(0, host.rfind(':')));
  while (name.ends_with('.')) name.pop_back();
  return Address::Ip(name, 0).ok() ? "" : name;
}

// What the listener would know of the connection: of TLS as much as its tls_inspector finds in the handshake
// of a browser.
ConnectionTraits TraitsOf(const ListenerConfig& listener, const ExchangeQuestion& question,
                          const std::string& server_name, Explanation& explanation) {
  ConnectionTraits traits{.local = question.local, .remote = question.client};
  if (!question.url.secure) return traits;
  const auto& filters = listener.listener_filters.filters;
  const bool inspects = std::any_of(filters.begin(), filters.end(), [](const ListenerFilter& filter) {
    return std::holds_alternative<TlsInspectorFilter>(filter);
  });
  if (!inspects) {
    explanation.Add("filter chain", "chosen without a look at TLS: the listener has no tls_inspector");
    return traits;
  }
  traits.server_name = server_name;
  traits.transport_protocol = "tls";
  traits.application_protocols = {"h2", "http/1.1"};
  explanation.Add("filter chain",
                  "asked for by TLS with " +
                      (server_name.empty() ? "no server name" : "server name " + server_name) +
                      " and ALPN h2, http/1.1");
  return traits;
}

// Where connections of a chain that is not HTTP go, whatever is asked on them.
void ExplainTcpProxy(const Snapshot& snapshot, const TcpProxyConfig& proxy, Explanation& explanation) {
  explanation.Add("TCP proxy", "passes bytes on: no request is looked at");
  uint64_t before = 0;
  for (const ClusterShare& share : proxy.clusters) {
    explanation.Add("TCP proxy", "cluster " + share.cluster + ": " + std::to_string(share.up_to - before) +
                                     " of " + std::to_string(proxy.clusters.back().up_to) + " connections");
    before = share.up_to;
  }
  if (proxy.clusters.size() > 1) return;
  explanation.cluster = proxy.clusters[0].cluster;
  ExplainCluster(snapshot, explanation.cluster, explanation);
}

}  // namespace

absl::StatusOr<Explanation> ExplainIn(const Snapshot& snapshot, const ExplainRequest& question) {
  absl::StatusOr<Address> client = Address::Ip(question.client, 0);
  if (!client.ok()) return client.status();
  absl::StatusOr<ExplainUrl> url =
      question.method == "CONNECT" ? ExplainUrl::OfConnect(question.url) : ExplainUrl::Parse(question.url);
  if (!url.ok()) return url.status();
  const Choice choice = ChooseListener(snapshot, url->port);
  if (choice.listener == nullptr) return absl::NotFoundError("the configuration has no listener");
  const ExchangeQuestion exchange{question.method, *std::move(url), question.headers, *client,
                                  choice.socket->address};

  Explanation explanation;
  explanation.Add("listener", choice.listener->name + " at " + choice.socket->address.ToString() + " (" +
                                  choice.listener->origin.ToString() + ")");
  if (!choice.by_port) explanation.Add("listener", "chosen because no listener has the port of the URL");
  const std::string server_name = ServerNameOf(exchange.url);
  const FilterChainConfig* chain =
      choice.listener->FindChain(TraitsOf(*choice.listener, exchange, server_name, explanation));
  if (chain == nullptr) {
    explanation.Add("filter chain", "none matches: the connection is closed");
    return explanation;
  }
  explanation.Add("filter chain", (chain->name.empty() ? std::string("(unnamed)") : chain->name) + " (" +
                                      chain->origin.ToString() + ")");
  if (chain->tcp != nullptr) {
    ExplainTcpProxy(snapshot, *chain->tcp, explanation);
    return explanation;
  }
  Explanation rest = ExplainExchange(*chain->hcm, exchange);
  for (Explanation::Section& section : rest.sections) explanation.sections.push_back(std::move(section));
  explanation.cluster = rest.cluster;
  explanation.status = rest.status;
  explanation.priority = rest.priority;
  explanation.no_cluster_status = rest.no_cluster_status;
  if (explanation.status == 0) ExplainCluster(snapshot, explanation.cluster, explanation);
  return explanation;
}

}  // namespace narthex
