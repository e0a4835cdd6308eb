#include "source/manager/client_address.h"

#include <algorithm>
#include <charconv>

namespace narthex {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Makes one field of several (RFC 9110 section 5.3), so that what is appended is last for the next hop, too.
void JoinForwardedFor(HeaderMap& headers) {
  if (!headers.Has(Header::kXForwardedFor) || headers.Count(Header::kXForwardedFor) == 1) return;
  headers.Set(Header::kXForwardedFor, headers.Joined(Header::kXForwardedFor));
}

// The entries of x-forwarded-for from the last to the first.
class ForwardedForReader {
 public:
  explicit ForwardedForReader(const HeaderMap& headers)
      : rest_(headers.Get(Header::kXForwardedFor)), open_(!rest_.empty()) {}

  // False when there are no more.
  bool Previous(std::string_view& entry) {
    if (!open_) return false;
    size_t comma = rest_.rfind(',');
    open_ = comma != std::string_view::npos;
    entry = Trim(open_ ? rest_.substr(comma + 1) : rest_);
    rest_ = open_ ? rest_.substr(0, comma) : std::string_view();
    return true;
  }
  bool exhausted() const { return !open_; }

 private:
  std::string_view rest_;
  bool open_;
};

bool Inside(const std::vector<Cidr>& ranges, const Address& address) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Cidr& cidr) { return cidr.Contains(address); });
}

struct Detected {
  std::optional<Address> address;
  bool may_be_internal = false;
  bool skip_append = true;
  int reject_status = 0;
};

// The entry `hops` before the last one.
Detected DetectByHops(uint32_t hops, const HeaderMap& headers) {
  ForwardedForReader entries(headers);
  std::string_view entry;
  for (uint32_t i = 0; i <= hops; ++i) {
    if (!entries.Previous(entry)) return {};
  }
  Detected detected;
  detected.address = ParseForwardedAddress(entry);
  // A list of proxies may have been begun by anyone: only a lone entry can make a request internal.
  detected.may_be_internal = hops == 0 && entries.exhausted();
  return detected;
}

// Walks from the nearest proxy outwards while they are ours.
Detected DetectByCidrs(const std::vector<Cidr>& trusted, const ConnectionFacts& connection,
                       const HeaderMap& headers) {
  Detected detected;
  if (!Inside(trusted, connection.remote)) return detected;
  ForwardedForReader entries(headers);
  std::string_view entry;
  while (entries.Previous(entry)) {
    std::optional<Address> address = ParseForwardedAddress(entry);
    if (!address) break;  // what stands before a malformed entry can't be trusted either
    detected.address = address;
    if (!Inside(trusted, *address)) break;
  }
  return detected;
}

Detected Detect(const AddressDetection& detection, const ConnectionFacts& connection,
                const HeaderMap& headers) {
  if (detection.kind == AddressDetection::Kind::kXff) {
    Detected detected = detection.trusted_cidrs.empty()
                            ? DetectByHops(detection.trusted_hops, headers)
                            : DetectByCidrs(detection.trusted_cidrs, connection, headers);
    detected.skip_append = detection.skip_append;
    return detected;
  }
  Detected detected;
  std::string_view value = headers.Get(std::string_view(detection.header));
  if (value.data() != nullptr) detected.address = ParseForwardedAddress(Trim(value));
  detected.may_be_internal = detection.may_be_internal;
  if (!detected.address) detected.reject_status = detection.reject_status;
  return detected;
}

void AppendForwardedFor(const ClientAddressPolicy& policy, const ConnectionFacts& connection,
                        HeaderMap& headers) {
  if (!connection.remote.is_ip()) return;
  const bool alias = connection.remote.is_loopback() && !policy.loopback_alias.empty();
  const std::string_view text = alias ? std::string_view(policy.loopback_alias) : connection.RemoteIp();
  // The usual request has none yet, and needs no copy.
  if (!headers.Has(Header::kXForwardedFor)) return headers.AddView(Header::kXForwardedFor, text);
  headers.AppendToList(Header::kXForwardedFor, text);
}

void SetForwardedPort(const ConnectionFacts& connection, HeaderMap& headers) {
  char text[8];
  char* end = std::to_chars(text, text + sizeof(text), connection.local.port()).ptr;
  headers.Set(Header::kXForwardedPort, std::string_view(text, static_cast<size_t>(end - text)));
}

bool IsInternal(const ClientAddressPolicy& policy, const Address& address) {
  if (address.family() == AF_UNIX) return policy.internal_unix_sockets;
  return Inside(policy.internal, address);
}

// We are the first proxy that matters.
bool ResolveAtEdge(const ClientAddressPolicy& policy, const ConnectionFacts& connection, HeaderMap& headers,
                   ClientAddress& client) {
  bool may_be_internal = !headers.Has(Header::kXForwardedFor);
  client.address = connection.remote;
  client.reason = "use_remote_address: the address of the connection";
  if (policy.trusted_hops > 0) {
    Detected detected = DetectByHops(policy.trusted_hops - 1, headers);
    if (detected.address) {
      client.address = *detected.address;
      client.reason = "use_remote_address with xff_num_trusted_hops: from x-forwarded-for";
    } else {
      client.reason = "use_remote_address: x-forwarded-for has fewer valid entries than xff_num_trusted_hops";
    }
  }
  if (!policy.skip_xff_append) AppendForwardedFor(policy, connection, headers);
  // What the hop before us wrote is believed only when it is a proxy of ours.
  if (policy.trusted_hops == 0 || !headers.Has(Header::kXForwardedProto)) {
    headers.SetView(Header::kXForwardedProto, connection.secure ? "https" : "http");
  }
  if (policy.append_x_forwarded_port && (policy.trusted_hops == 0 || !headers.Has(Header::kXForwardedPort))) {
    SetForwardedPort(connection, headers);
  }
  return may_be_internal;
}

// A proxy of ours stands before us and has told us.
bool ResolveBehindProxy(const ClientAddressPolicy& policy, const ConnectionFacts& connection,
                        HeaderMap& headers, ClientAddress& client) {
  bool may_be_internal = false;
  client.address = connection.remote;
  client.reason = "no detection found an address: the address of the connection";
  for (const AddressDetection& detection : policy.detections) {
    Detected detected = Detect(detection, connection, headers);
    if (detected.reject_status != 0) {
      client.reject_status = detected.reject_status;
      client.reason = "original_ip_detection_extensions refused: no valid address in the header";
      return false;
    }
    if (!detected.skip_append) AppendForwardedFor(policy, connection, headers);
    if (!detected.address) continue;
    client.address = *detected.address;
    may_be_internal = detected.may_be_internal;
    client.reason = detection.kind == AddressDetection::Kind::kXff
                        ? "from x-forwarded-for"
                        : "from a header of configuration's choice";
    break;
  }
  if (!headers.Has(Header::kXForwardedProto)) {
    headers.SetView(Header::kXForwardedProto, connection.secure ? "https" : "http");
  }
  if (policy.append_x_forwarded_port && !headers.Has(Header::kXForwardedPort)) {
    SetForwardedPort(connection, headers);
  }
  return may_be_internal;
}

}  // namespace

std::optional<Address> ParseForwardedAddress(std::string_view text) {
  if (text.empty()) return std::nullopt;
  absl::StatusOr<Address> address = Address::Ip(text, 0);
  if (!address.ok()) return std::nullopt;
  return *std::move(address);
}

ClientAddress ResolveClientAddress(const ClientAddressPolicy& policy, const ConnectionFacts& connection,
                                   HeaderMap& headers) {
  JoinForwardedFor(headers);
  ClientAddress client;
  bool may_be_internal = policy.use_remote_address ? ResolveAtEdge(policy, connection, headers, client)
                                                   : ResolveBehindProxy(policy, connection, headers, client);
  client.internal = may_be_internal && IsInternal(policy, client.address);
  client.edge = policy.use_remote_address && !client.internal;
  return client;
}

}  // namespace narthex
