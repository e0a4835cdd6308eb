#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "source/tls/tls_material.h"

namespace narthex {
namespace {

// Looked up once: OpenSSL's own constant looks its code up at each use.
const EVP_CIPHER* TicketCipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool SetMacKey(EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  auto* bytes = const_cast<unsigned char*>(key.mac.data());
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// Whether a client that resumes gets a new ticket. Clients offer one of TLS 1.3 once (RFC 8446 appendix C.4),
// so that without another their next handshake would be a full one. But a new one of TLS 1.3 lives for the
// whole session timeout, and a client's certificate is verified in full handshakes only: with one, they must
// go on.
bool Renews(const SSL* ssl, bool newest_key) {
  if (SSL_version(ssl) != TLS1_3_VERSION) return !newest_key;
  return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0;
}

}  // namespace

// Results as OpenSSL has them: below 0 is an error, 0 no such key, 1 done, 2 done and to be made anew.
int OnTicketKey(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                int sealing) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const TicketKeys::List list = keys->Current();
  if (sealing != 0) {
    const TicketKey& key = list->front();
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(TicketCipher())) != 1) return -1;
    std::memcpy(name, key.name.data(), key.name.size());
    if (EVP_EncryptInit_ex(cipher, TicketCipher(), nullptr, key.cipher.data(), iv) != 1) return -1;
    return SetMacKey(mac, key) ? 1 : -1;
  }
  const auto found = std::find_if(list->begin(), list->end(), [name](const TicketKey& key) {
    return std::memcmp(key.name.data(), name, key.name.size()) == 0;
  });
  if (found == list->end()) return 0;
  if (EVP_DecryptInit_ex(cipher, TicketCipher(), nullptr, found->cipher.data(), iv) != 1) return -1;
  if (!SetMacKey(mac, *found)) return -1;
  return Renews(ssl, found == list->begin()) ? 2 : 1;
}

}  // namespace narthex
