#include "source/tls/tls_material.h"

#include <openssl/err.h>

namespace narthex {

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
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // A record's head and body in one read.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_msg_callback(context, &TlsMaterial::OnMessage);
  if (inputs_.key_log != nullptr) SSL_CTX_set_keylog_callback(context, &TlsMaterial::OnKeyLog);
  for (size_t i = 0; i < inputs_.pairs.size(); ++i) {
    const KeyPair& pair = *inputs_.pairs[i];
    certificates_.push_back({inputs_.pair_origins[i], false, pair.facts(), pair.staple()});
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
  SSL_CTX_set_tlsext_status_cb(context_.get(), &TlsMaterial::OnStatusRequest);
  SSL_CTX_set_tlsext_status_arg(context_.get(), this);
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
  if (verifier == nullptr || !verifier->asks()) return SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
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
  record.key_log = inputs_.key_log.get();
  if (!inputs_.pairs.empty()) record.local = inputs_.pairs.front()->facts();
  return ssl;
}

std::vector<CertificateInUse> TlsMaterial::Certificates() const {
  return certificates_;
}

}  // namespace narthex
