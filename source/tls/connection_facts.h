#pragma once

#include <memory>

#include "source/tls/facts.h"
#include "source/tls/stats.h"
#include "source/tls/tls_material.h"

namespace narthex {

// Of a connection whose handshake has succeeded.
std::shared_ptr<const TlsFacts> FactsOfConnection(const SSL* ssl, const HandshakeRecord& record,
                                                  const TlsInputs& inputs);
// The little of it that is counted.
TlsAgreement AgreedBy(SSL* ssl);

}  // namespace narthex
