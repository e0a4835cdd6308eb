#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/exchange.h"
#include "source/http/header_map.h"
#include "source/net/address.h"

namespace narthex {

// One way to find the client's address behind proxies (original_ip_detection_extensions). Immutable.
struct AddressDetection {
  enum class Kind { kXff, kCustomHeader };
  Kind kind = Kind::kXff;
  // kXff: the address this many entries before the last one of x-forwarded-for, ...
  uint32_t trusted_hops = 0;
  // ... or, unless empty, the first one from the right outside these, when the peer itself is inside.
  std::vector<Cidr> trusted_cidrs;
  bool skip_append = true;
  // kCustomHeader.
  std::string header;  // lower case
  bool may_be_internal = false;
  int reject_status = 0;  // for a request without a valid address; 0: ask the next one
};

// Whom to believe about where a request comes from. Immutable.
struct ClientAddressPolicy {
  // We are the first proxy that matters: the peer is the client, but for `trusted_hops` proxies before us.
  bool use_remote_address = false;
  uint32_t trusted_hops = 0;
  bool skip_xff_append = false;
  bool append_x_forwarded_port = false;
  std::vector<AddressDetection> detections;  // without use_remote_address; asked in order
  bool internal_unix_sockets = false;
  std::vector<Cidr> internal;
  // What stands in x-forwarded-for for a loopback peer (Envoy: the machine's own address); empty: the peer's.
  std::string loopback_alias;
};

// What was decided, and why in words for `explain`.
struct ClientAddress {
  Address address;
  bool internal = false;
  bool edge = false;      // from outside, and we are the edge: headers of ours that it carries are forged
  int reject_status = 0;  // not 0: answer with it
  const char* reason = "";
};

// Decides on the address and brings x-forwarded-for, -proto and -port up to date for the next hop.
ClientAddress ResolveClientAddress(const ClientAddressPolicy& policy, const ConnectionFacts& connection,
                                   HeaderMap& headers);

// The address in the text of an x-forwarded-for entry: an IP address without brackets or port, as Envoy takes
// it.
std::optional<Address> ParseForwardedAddress(std::string_view text);

}  // namespace narthex
