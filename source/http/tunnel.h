#pragma once

#include <string_view>

#include "source/base/ascii.h"
#include "source/http/header_map.h"
#include "source/http/reason_phrase.h"

// Requests that ask for a tunnel: for bytes both ways in place of bodies, until both sides have ended. Their
// bodies are what the client sends through it, and are not to be read before the upstream agrees. In every
// version of HTTP they have the form that HTTP/1 gives them: `upgrade` names another protocol, which 101
// agrees to (RFC 9110 section 7.8; extended CONNECT of RFC 8441 is brought into this form), or the method is
// CONNECT, which has an authority and no path, and which any status of success agrees to (RFC 9110 section
// 9.3.6).
namespace narthex {

inline bool IsConnect(const HeaderMap& request) {
  return request.Get(Header::kMethod) == "CONNECT";
}

inline bool AsksForTunnel(const HeaderMap& request) {
  return request.Has(Header::kUpgrade) || IsConnect(request);
}

// Whether a response of this status begins the tunnel that the request asks for.
inline bool OpensTunnel(const HeaderMap& request, int status) {
  if (status == kSwitchingProtocols) return request.Has(Header::kUpgrade);
  return status / 100 == 2 && IsConnect(request);
}

// The name by which upgrade_configs know it; empty when it can't be one of them: an `upgrade` to "connect" is
// not what they mean by CONNECT.
inline std::string_view TunnelType(const HeaderMap& request) {
  if (IsConnect(request)) return "connect";
  const std::string_view type = request.Get(Header::kUpgrade);
  return EqualsLower(type, "connect") ? std::string_view() : type;
}

}  // namespace narthex
