#pragma once

#include "source/tls/tls_inputs.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class CommonTlsContext;
}

namespace narthex {

// Reads the certificates of `config`, at `path`, with their keys and OCSP responses, into `inputs`.
// Everything wrong goes to `diagnostics`. Blocks for files: configuration and main thread only.
void ReadCertificates(const envoy::extensions::transport_sockets::tls::v3::CommonTlsContext& config,
                      const ConfigPath& path, SecretReader& reader, Diagnostics& diagnostics,
                      TlsInputs& inputs);
// What a server's policy of stapling asks of the certificates that were read, at `path`: a response, and none
// that is outdated or not yet valid. Only warns where handshakes go on without.
void CheckStaples(const TlsInputs& inputs, const ConfigPath& path, Diagnostics& diagnostics);

}  // namespace narthex
