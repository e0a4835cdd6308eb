#pragma once

#include <cstdint>

#include "source/http/exchange.h"
#include "source/http/header_map.h"

namespace narthex {

// What becomes of x-forwarded-client-cert, by which a proxy that has seen a client's certificate tells of it;
// named as Envoy's ForwardClientCertDetails. Immutable.
enum class ClientCertForwarding : uint8_t {
  kSanitize,           // removed
  kForwardOnly,        // kept from clients that present a certificate themselves, removed from others
  kAppendForward,      // the same, and ours is added behind
  kSanitizeSet,        // replaced by ours
  kAlwaysForwardOnly,  // kept from everybody: only for clients that are trusted proxies
};

// What ours says, beside By (who we are) and Hash (SHA-256 of the certificate).
struct ClientCertPolicy {
  ClientCertForwarding forwarding = ClientCertForwarding::kSanitize;
  bool cert = false, chain = false;  // in PEM, percent-encoded
  bool subject = false, issuer = false;
  bool uri = false, dns = false;  // alternative names
};

// Brings x-forwarded-client-cert of a request into the form that `policy` asks for.
void SetClientCertHeader(const ClientCertPolicy& policy, const ConnectionFacts& connection,
                         HeaderMap& headers);

}  // namespace narthex
