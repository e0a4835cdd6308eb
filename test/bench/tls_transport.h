// TLS 1.3 as the load generator speaks it: one cipher suite, one group, so that every proxy does the same
// work.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "test/bench/transport.h"

namespace narthex {

struct OpenSslDelete {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

// The newest session ticket that a client was given; empty before the first.
using TlsSession = std::unique_ptr<SSL_SESSION, OpenSslDelete>;

// What all connections of a load have in common. The certificate is not compared with an authority, which is
// no proxy's work; the signature of the handshake is checked, as in every TLS client.
class TlsClient {
 public:
  // `alpn` is the only protocol offered; a proxy that does not choose it fails the handshake. With `resume`,
  // tickets are kept. Ends the program when OpenSSL refuses the settings.
  TlsClient(std::string_view alpn, bool resume);

  // A connection on the non-blocking socket `fd`. When `session` holds a ticket that must be accepted, else
  // the handshake fails; tickets that come are put there. `session` outlives the transport.
  std::unique_ptr<Transport> Connect(int fd, TlsSession& session) const;

 private:
  std::unique_ptr<SSL_CTX, OpenSslDelete> context_;
  std::string_view alpn_;
};

}  // namespace narthex
