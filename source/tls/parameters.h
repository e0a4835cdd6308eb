#pragma once

#include <openssl/ssl.h>

#include <string>

#include "absl/status/status.h"
#include "source/config/config_path.h"
#include "source/config/diagnostics.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class TlsParameters;
}

namespace narthex {

// What handshakes may agree on, in OpenSSL's words and known to be understood by it. Immutable value.
struct TlsParameterSet {
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::string ciphers;  // of TLS 1.2
  std::string groups;
  std::string signatures;  // empty: OpenSSL's own
  bool prefer_chacha_if_client_does = false;

  // Puts them into `context`. An error is OpenSSL's reason.
  absl::Status Apply(SSL_CTX* context) const;
};

// Errors, at the position of the name: unknown names, weak ones, versions that fit nothing. Load time only.
TlsParameterSet CompileTlsParameters(
    const envoy::extensions::transport_sockets::tls::v3::TlsParameters& config, const ConfigPath& path,
    Diagnostics& diagnostics);

}  // namespace narthex
