#pragma once

#include <memory>
#include <string>

#include "test/tls/tls_rig.h"

namespace narthex {

// A client that is OpenSSL without the means of our stream: it can do what no honest client does, and see
// what ours does not look at.
class RawClientRig : public TlsRig {
 protected:
  ~RawClientRig() override;

  // Connects to `server`; `ssl_` may then be told what to do before Shake.
  void Start(const std::shared_ptr<TlsContext>& server, int min_version, int max_version,
             const char* ciphers = "ALL:@SECLEVEL=0");
  // Whether the client's side of the handshake succeeds; what came of the server's is in `accepted_`.
  bool Shake();
  // What the server's next read gives.
  IoResult ServerReads();

  SslCtxPtr context_;
  SslPtr ssl_;
  int fd_ = -1;
  std::unique_ptr<TlsStream> stream_;
  TlsHandshakeResult accepted_;
  Task<void> accepting_;
};

}  // namespace narthex
