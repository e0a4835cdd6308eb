#include "source/tls/tls_material.h"

#include <openssl/err.h>

#include <optional>

#include "source/tls/client_hello.h"

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

bool IsEcdsaSuite(uint16_t suite) {
  static constexpr uint16_t kSuites[] = {0xC02B, 0xC02C, 0xCCA9, 0xC023, 0xC024, 0xC009, 0xC00A};
  for (const uint16_t one : kSuites) {
    if (suite == one) return true;
  }
  return false;
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
  for (const uint16_t suite : NumbersOf(suites, size)) abilities.ecdsa_suites |= IsEcdsaSuite(suite);
  return abilities;
}

}  // namespace

std::string AlpnWire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

TlsMaterial::TlsMaterial(TlsInputs inputs, std::shared_ptr<TicketKeys> keys)
    : inputs_(std::move(inputs)), keys_(std::move(keys)), alpn_wire_(AlpnWire(inputs_.alpn)) {}

absl::StatusOr<std::shared_ptr<const TlsMaterial>> TlsMaterial::Make(
    TlsInputs inputs, std::shared_ptr<TicketKeys> process_keys) {
  std::shared_ptr<TicketKeys> keys = inputs.ticket_keys != nullptr ? inputs.ticket_keys : process_keys;
  std::shared_ptr<TlsMaterial> material(new TlsMaterial(std::move(inputs), std::move(keys)));
  if (absl::Status built = material->Build(); !built.ok()) return built;
  return material;
}

absl::Status TlsMaterial::Build() {
  ERR_clear_error();
  context_.reset(SSL_CTX_new(inputs_.is_server ? TLS_server_method() : TLS_client_method()));
  if (context_ == nullptr) return absl::InternalError("OpenSSL has no context: " + TakeOpensslError());
  SSL_CTX* context = context_.get();
  if (absl::Status applied = inputs_.parameters.Apply(context); !applied.ok()) return applied;
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // A record's head and body in one read.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_msg_callback(context, &TlsMaterial::OnMessage);
  for (size_t i = 0; i < inputs_.pairs.size(); ++i) {
    certificates_.push_back({inputs_.pair_origins[i], false, inputs_.pairs[i]->facts()});
  }
  SetUpVerification();
  return inputs_.is_server ? SetUpServer() : SetUpClient();
}

absl::Status TlsMaterial::UsePair(const KeyPair& pair) {
  if (SSL_CTX_use_cert_and_key(context_.get(), pair.leaf(), pair.key(), pair.chain(), /*override=*/1) == 1) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("certificate of \"" + pair.facts()->subject +
                                    "\" cannot be used: " + TakeOpensslError());
}

absl::Status TlsMaterial::SetUpServer() {
  for (const auto& pair : inputs_.pairs) {
    // Each is judged now rather than in its first handshake, which chooses one of several by itself.
    if (absl::Status used = UsePair(*pair); !used.ok()) return used;
  }
  choice_ = std::make_unique<const CertificateChoice>(inputs_.pairs, inputs_.full_scan);
  SSL_CTX_set_client_hello_cb(context_.get(), &TlsMaterial::OnClientHello, this);
  if (!alpn_wire_.empty()) SSL_CTX_set_alpn_select_cb(context_.get(), &TlsMaterial::OnAlpn, this);
  if (!inputs_.prefer_client_ciphers) {
    SSL_CTX_set_options(context_.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  SetUpResumption();
  return absl::OkStatus();
}

void TlsMaterial::SetUpResumption() {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(inputs_.identity.data()),
                                 static_cast<unsigned int>(inputs_.identity.size()));
  SSL_CTX_set_session_cache_mode(context,
                                 inputs_.stateful_resumption ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, static_cast<long>(inputs_.session_timeout.count()));
  if (inputs_.stateless_resumption) {
    SSL_CTX_set_app_data(context, keys_.get());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &OnTicketKey);
    return;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  // TLS 1.3 would else give tickets that only name a session, which nobody keeps.
  if (!inputs_.stateful_resumption) SSL_CTX_set_num_tickets(context, 0);
}

absl::Status TlsMaterial::SetUpClient() {
  for (const auto& pair : inputs_.pairs) {
    if (absl::Status used = UsePair(*pair); !used.ok()) return used;
  }
  SSL_CTX_set_session_cache_mode(context_.get(), inputs_.max_session_keys > 0
                                                     ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                                     : SSL_SESS_CACHE_OFF);
  if (inputs_.max_session_keys > 0) SSL_CTX_sess_set_new_cb(context_.get(), &TlsMaterial::OnNewSession);
  return absl::OkStatus();
}

void TlsMaterial::SetUpVerification() {
  SSL_CTX* context = context_.get();
  const PeerVerifier* verifier = inputs_.verifier.get();
  if (verifier == nullptr) return SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  const int required = inputs_.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &TlsMaterial::OnVerify, this);
  SSL_CTX_set1_verify_cert_store(context, verifier->store());
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  for (const X509Ptr& authority : verifier->authorities()) {
    sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(authority.get())));
    certificates_.push_back(
        {inputs_.ca_origin, true, std::make_shared<const CertificateFacts>(FactsOf(authority.get()))});
  }
  if (inputs_.is_server) {
    SSL_CTX_set0_CA_list(context, names);
  } else {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
  }
}

SslPtr TlsMaterial::NewConnection(HandshakeRecord& record) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl == nullptr) return nullptr;
  SSL_set_app_data(ssl.get(), &record);
  if (!inputs_.pairs.empty()) record.local = inputs_.pairs.front()->facts();
  return ssl;
}

std::vector<CertificateInUse> TlsMaterial::Certificates() const {
  return certificates_;
}

int TlsMaterial::OnClientHello(SSL* ssl, int* alert, void* material) {
  const auto& self = *static_cast<const TlsMaterial*>(material);
  HandshakeRecord& record = *RecordOf(ssl);
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) == 1 &&
      !ParseServerName({reinterpret_cast<const char*>(bytes), size}, record.server_name)) {
    *alert = SSL_AD_DECODE_ERROR;
    record.refusal = "the client asks for a server name that is no host name";
    return SSL_CLIENT_HELLO_ERROR;
  }
  const bool one = self.inputs_.pairs.size() == 1;
  const KeyPair& pair =
      one ? *self.inputs_.pairs.front()
          : self.choice_->Choose(record.server_name,
                                 AbilitiesOf(ssl, self.inputs_.parameters.max_version == TLS1_3_VERSION));
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
