#include <time.h>

#include <utility>

#include "source/tls/client_hello.h"
#include "source/tls/ocsp_staple.h"
#include "source/tls/tls_material.h"

// What OpenSSL asks in the midst of a handshake.

namespace narthex {
namespace {

HandshakeRecord* RecordOf(const SSL* ssl) {
  return static_cast<HandshakeRecord*>(SSL_get_app_data(ssl));
}

std::vector<uint16_t> NumbersOf(const unsigned char* bytes, size_t size) {
  std::vector<uint16_t> numbers;
  for (size_t at = 0; at + 1 < size; at += 2) {
    numbers.push_back(static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]));
  }
  return numbers;
}

// The body of an extension whose list is behind a length of `prefix` bytes.
std::vector<uint16_t> ListOf(SSL* ssl, unsigned int extension, size_t prefix) {
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, extension, &bytes, &size) != 1 || size < prefix) return {};
  return NumbersOf(bytes + prefix, size - prefix);
}

// Of TLS 1.3, whose suites say nothing of keys, or a signal that is no suite (RFC 5746, RFC 7507).
bool SaysNothingOfKeys(uint16_t suite) {
  return suite >> 8 == 0x13 || suite == 0x00FF || suite == 0x5600;
}

bool IsEcdsaSuite(uint16_t suite) {
  static constexpr uint16_t kSuites[] = {0xC02B, 0xC02C, 0xCCA9, 0xC023, 0xC024, 0xC009, 0xC00A};
  for (const uint16_t one : kSuites) {
    if (suite == one) return true;
  }
  return false;
}

// Into the record. A server that asks for another key share (HelloRetryRequest) gets a second hello, which
// must ask for the same name (RFC 8446 section 4.1.2): the first one has chosen a filter chain.
bool TakeServerName(SSL* ssl, HandshakeRecord& record, int* alert) {
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  std::string name;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) == 1 &&
      !ParseServerName({reinterpret_cast<const char*>(bytes), size}, name)) {
    *alert = SSL_AD_DECODE_ERROR;
    record.refusal = "the client asks for a server name that is no host name";
    return false;
  }
  if (std::exchange(record.said_hello, true) && name != record.server_name) {
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    record.refusal = "the client asks for another server name in its second hello";
    return false;
  }
  record.server_name = std::move(name);
  // Whether it asks for a staple is said anew, too.
  record.stapling = Stapling::kNotAsked;
  return true;
}

ClientAbilities AbilitiesOf(SSL* ssl, bool server_has_tls13) {
  ClientAbilities abilities;
  for (const uint16_t version : ListOf(ssl, TLSEXT_TYPE_supported_versions, 1)) {
    abilities.tls13 |= version == TLS1_3_VERSION && server_has_tls13;
  }
  abilities.groups = ListOf(ssl, TLSEXT_TYPE_supported_groups, 2);
  abilities.signatures = ListOf(ssl, TLSEXT_TYPE_signature_algorithms, 2);
  const unsigned char* suites = nullptr;
  const size_t size = SSL_client_hello_get0_ciphers(ssl, &suites);
  for (const uint16_t suite : NumbersOf(suites, size)) {
    if (SaysNothingOfKeys(suite)) continue;
    (IsEcdsaSuite(suite) ? abilities.ecdsa_suites : abilities.other_suites) = true;
  }
  return abilities;
}

}  // namespace

int TlsMaterial::OnClientHello(SSL* ssl, int* alert, void* material) {
  const auto& self = *static_cast<const TlsMaterial*>(material);
  HandshakeRecord& record = *RecordOf(ssl);
  if (!TakeServerName(ssl, record, alert)) return SSL_CLIENT_HELLO_ERROR;
  if (self.inputs_.require_sni && !self.choice_->HasName(record.server_name)) {
    *alert = record.server_name.empty() ? SSL_AD_MISSING_EXTENSION : SSL_AD_UNRECOGNIZED_NAME;
    record.refusal = record.server_name.empty() ? "the client asks for no server name"
                                                : "the client asks for a server name that no certificate has";
    return SSL_CLIENT_HELLO_ERROR;
  }
  const bool one = self.inputs_.pairs.size() == 1;
  const KeyPair& pair =
      one ? *self.inputs_.pairs.front()
          : self.choice_->Choose(record.server_name,
                                 AbilitiesOf(ssl, self.inputs_.parameters.max_version == TLS1_3_VERSION));
  record.pair = &pair;
  record.local = pair.facts();
  if (one) return SSL_CLIENT_HELLO_SUCCESS;
  SSL_certs_clear(ssl);
  if (SSL_use_cert_and_key(ssl, pair.leaf(), pair.key(), pair.chain(), /*override=*/1) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  record.refusal =
      "the certificate of \"" + pair.facts()->subject + "\" cannot be used: " + TakeOpensslError();
  return SSL_CLIENT_HELLO_ERROR;
}

int TlsMaterial::OnAlpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                        unsigned int offered_size, void* material) {
  const std::string& wire = static_cast<const TlsMaterial*>(material)->alpn_wire_;
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(wire.data()),
                                           static_cast<unsigned int>(wire.size()), offered, offered_size);
  // With none in common the connection goes on without, as Envoy's does.
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int TlsMaterial::OnStatusRequest(SSL* ssl, void* material) {
  HandshakeRecord& record = *RecordOf(ssl);
  const OcspStaple* staple = record.pair->staple().get();
  if (staple == nullptr || !staple->IsValidAt(time(nullptr))) {
    const StaplePolicy policy =
        record.pair->PolicyUnder(static_cast<const TlsMaterial*>(material)->inputs_.stapling);
    const bool fails =
        policy == StaplePolicy::kMust || (policy == StaplePolicy::kStrict && staple != nullptr);
    record.stapling = fails ? Stapling::kFailed : Stapling::kOmitted;
    if (fails) record.refusal = "the OCSP response for the certificate is outdated";
    return fails ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
  }
  // OpenSSL frees it with the connection.
  void* copy = OPENSSL_memdup(staple->der().data(), staple->der().size());
  if (copy == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple->der().size()));
  record.stapling = Stapling::kSent;
  return SSL_TLSEXT_ERR_OK;
}

void TlsMaterial::OnKeyLog(const SSL* ssl, const char* line) {
  RecordOf(ssl)->key_log->Write(SSL_get_fd(ssl), line);
}

int TlsMaterial::OnVerify(X509_STORE_CTX* context, void* material) {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  HandshakeRecord& record = *RecordOf(ssl);
  const PeerVerifier& verifier = *static_cast<const TlsMaterial*>(material)->inputs_.verifier;
  return verifier.Verify(context, record.verify_names, record.verdict) ? 1 : 0;
}

int TlsMaterial::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  const HandshakeRecord& record = *RecordOf(ssl);
  if (record.on_session == nullptr) return 0;
  record.on_session(record.session_context, session);
  return 1;
}

void TlsMaterial::OnMessage(int sent, int, int type, const void* bytes, size_t size, SSL* ssl, void*) {
  if (sent != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  if (*static_cast<const unsigned char*>(bytes) != SSL3_MT_KEY_UPDATE) return;
  HandshakeRecord& record = *RecordOf(ssl);
  // Honest peers change keys once in many gigabytes (RFC 8446 section 5.5).
  if (++record.key_updates <= 32 + (record.received >> 20)) return;
  record.flooded = true;
  // Lets OpenSSL return to the stream, which ends the connection, rather than take the next one in.
  SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
}

}  // namespace narthex
