#pragma once

#include <memory>
#include <string>

#include "source/tls/peer_verifier.h"
#include "source/tls/secret_reader.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class CommonTlsContext;
}

namespace narthex {

// What the validation context of a configuration says.
struct Validation {
  std::shared_ptr<const PeerVerifier> verifier;  // null without a validation context, or after an error
  std::string ca_origin;                         // a file, or "<inline>"; empty without one
  std::string content;                           // of the CA and CRL
};
Validation ReadValidation(const envoy::extensions::transport_sockets::tls::v3::CommonTlsContext& config,
                          const ConfigPath& path, SecretReader& reader, Diagnostics& diagnostics);

}  // namespace narthex
