#include "source/tls/connection_facts.h"

#include "source/base/ascii.h"

namespace narthex {
namespace {

std::string_view GroupOf(SSL* ssl) {
  switch (SSL_get_negotiated_group(ssl)) {
    case NID_X25519:
      return "X25519";
    case NID_X448:
      return "X448";
    case NID_X9_62_prime256v1:
      return "P-256";
    case NID_secp384r1:
      return "P-384";
    case NID_secp521r1:
      return "P-521";
    default:
      return {};
  }
}

void AddPeer(const SSL* ssl, TlsFacts& facts) {
  const X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return;
  facts.peer_chain.push_back(FactsOf(leaf));
  // A client's view of the chain begins with the certificate itself, a server's behind it.
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    const X509* certificate = sk_X509_value(chain, i);
    if (i == 0 && X509_cmp(certificate, leaf) == 0) continue;
    facts.peer_chain.push_back(FactsOf(certificate));
  }
}

}  // namespace

TlsAgreement AgreedBy(SSL* ssl) {
  return {.version = SSL_get_version(ssl),
          .cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)),
          .group = GroupOf(ssl),
          .resumed = SSL_session_reused(ssl) == 1,
          .peer_certificate = SSL_get0_peer_certificate(ssl) != nullptr};
}

std::shared_ptr<const TlsFacts> FactsOfConnection(const SSL* ssl, const HandshakeRecord& record,
                                                  const TlsInputs& inputs) {
  auto facts = std::make_shared<TlsFacts>();
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  facts->version = SSL_get_version(ssl);
  facts->cipher = SSL_CIPHER_get_name(cipher);
  facts->cipher_id = SSL_CIPHER_get_protocol_id(cipher);
  // OpenSSL asks for a connection that it may change here, and does not change it.
  facts->group = GroupOf(const_cast<SSL*>(ssl));
  facts->server_name = ToLowerAscii(record.server_name);
  const unsigned char* alpn = nullptr;
  unsigned int alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  facts->alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  unsigned int id_size = 0;
  const unsigned char* id = SSL_SESSION_get_id(SSL_get_session(ssl), &id_size);
  facts->session_id = Hex({reinterpret_cast<const char*>(id), id_size});
  facts->resumed = SSL_session_reused(ssl) == 1;
  AddPeer(ssl, *facts);
  facts->peer_validated = inputs.verifier != nullptr && inputs.verifier->judges() &&
                          facts->peer() != nullptr && SSL_get_verify_result(ssl) == X509_V_OK;
  facts->local = record.local;
  return facts;
}

}  // namespace narthex
