#include "source/manager/header_policy.h"

#include <algorithm>

namespace narthex {
namespace {

// Headers by which services steer the gateway; taken from internal clients only.
constexpr std::string_view kSteering[] = {
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
};
// What only an earlier gateway could have written; removed at the edge.
constexpr std::string_view kEdgeOnly[] = {
    "x-envoy-attempt-count",           "x-envoy-decorator-operation", "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node", "x-envoy-external-address",    "x-envoy-original-host",
    "x-envoy-original-path",
};

constexpr std::string_view kOurPrefix = "x-envoy-";
// Whether any field is one of ours: the usual request has none, and one pass finds that out.
bool HasOurHeaders(const HeaderMap& headers) {
  if (headers.Has(Header::kXEnvoyInternal) || headers.Has(Header::kXEnvoyExternalAddress) ||
      headers.Has(Header::kXEnvoyExpectedRqTimeoutMs)) {
    return true;
  }
  for (const HeaderMap::Field& field : headers) {
    if (field.known != Header::kUnknown) continue;
    if (field.name.starts_with(kOurPrefix)) return true;
  }
  return false;
}

template <class Names>
void RemoveAll(const Names& names, HeaderMap& headers) {
  for (const auto& name : names) headers.Remove(std::string_view(name));
}

// Where the port's colon is; npos without a port. An address in brackets has colons of its own.
size_t PortColon(std::string_view authority) {
  size_t bracket = authority.rfind(']');
  size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return colon;
  if (bracket != std::string_view::npos) return colon > bracket ? colon : std::string_view::npos;
  // More than one colon and no brackets: a bare IPv6 address.
  return authority.find(':') == colon ? colon : std::string_view::npos;
}

bool IsPort(std::string_view text, uint16_t port) {
  uint32_t value = 0;
  if (text.empty() || text.size() > 5) return false;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value == port;
}

// As a hop of its own: lists of via are joined with a space, as in Envoy.
void AppendVia(std::string_view via, HeaderMap& headers) {
  if (via.empty()) return;
  if (!headers.Has(Header::kVia)) return headers.Add(Header::kVia, via);
  std::string joined;
  for (const HeaderMap::Field& field : headers) {
    if (field.known == Header::kVia) joined.append(field.value).append(field.value.empty() ? "" : ", ");
  }
  headers.Set(Header::kVia, joined.append(via));
}

// add_user_agent.
void NameOurselves(const HeaderPolicy& policy, HeaderMap& headers) {
  if (!policy.user_agent) return;
  if (headers.Get(Header::kUserAgent).empty()) headers.Set(Header::kUserAgent, *policy.user_agent);
  // Without a name of ours the client's is not kept either.
  headers.Set("x-envoy-downstream-service-cluster", *policy.user_agent);
  if (!policy.service_node.empty()) headers.Set("x-envoy-downstream-service-node", policy.service_node);
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool HasForbiddenUnderscore(UnderscorePolicy policy, HeaderMap& headers, uint32_t& dropped) {
  dropped = 0;
  if (policy == UnderscorePolicy::kAllow) return false;
  std::string_view name;
  do {
    name = {};
    for (const HeaderMap::Field& field : headers) {
      // No name that we know has one.
      if (field.known == Header::kUnknown && field.name.find('_') != std::string_view::npos) {
        name = field.name;
        break;
      }
    }
    if (name.data() == nullptr) return false;
    if (policy == UnderscorePolicy::kReject) return true;
    dropped += static_cast<uint32_t>(headers.Remove(name));
  } while (true);
}

void NormalizeAuthority(const AuthorityPolicy& policy, uint16_t listener_port, HeaderMap& headers) {
  if (!policy.strip_matching_port && !policy.strip_any_port && !policy.strip_trailing_dot) return;
  std::string_view authority = headers.Get(Header::kAuthority);
  size_t colon = PortColon(authority);
  std::string_view host = authority.substr(0, colon);
  std::string_view port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  bool strip_port = false;
  if (!port.empty() && IsDigits(port.substr(1))) {
    bool connect = headers.Get(Header::kMethod) == "CONNECT";
    // A CONNECT is nothing without its port.
    strip_port = !connect && (policy.strip_any_port ||
                              (policy.strip_matching_port && IsPort(port.substr(1), listener_port)));
  }
  bool strip_dot = policy.strip_trailing_dot && host.size() > 1 && host.back() == '.';
  if (!strip_port && !strip_dot) return;
  if (strip_dot) host.remove_suffix(1);
  if (strip_port || port.empty()) {
    headers.Set(Header::kAuthority, host);
    return;
  }
  std::string clean(host);
  clean.append(port);
  headers.Set(Header::kAuthority, clean);
}

void SanitizeRequest(const HeaderPolicy& policy, const ConnectionFacts& connection,
                     const ClientAddress& client, HeaderMap& headers) {
  if (HasOurHeaders(headers)) {
    headers.Remove(Header::kXEnvoyInternal);
    if (client.edge) RemoveAll(kEdgeOnly, headers);
    if (!client.internal) RemoveAll(kSteering, headers);
  }
  if (!client.internal) RemoveAll(policy.internal_only, headers);
  if (client.internal) headers.SetView(Header::kXEnvoyInternal, "true");
  if (client.edge && client.address.is_ip()) {
    if (client.address == connection.remote) {
      headers.SetView(Header::kXEnvoyExternalAddress, connection.RemoteIp());
    } else {
      headers.Set(Header::kXEnvoyExternalAddress, client.address.IpString());
    }
  }
  SetClientCertHeader(policy.client_cert, connection, headers);
  NameOurselves(policy, headers);
  AppendVia(policy.via, headers);
}

void FinishResponse(const HeaderPolicy& policy, HeaderMap& headers) {
  bool set_server = policy.server == ServerHeaderPolicy::kOverwrite ||
                    (policy.server == ServerHeaderPolicy::kAppendIfAbsent && !headers.Has(Header::kServer));
  // The name was checked when it was loaded.
  if (set_server) headers.SetView(Header::kServer, policy.server_name);
  AppendVia(policy.via, headers);
}

}  // namespace narthex
