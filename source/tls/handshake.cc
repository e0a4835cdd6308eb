#include <errno.h>
#include <openssl/err.h>
#include <unistd.h>

#include <cstring>

#include "source/event/heavy_turn.h"
#include "source/net/address.h"
#include "source/tls/client_hello.h"
#include "source/tls/connection_facts.h"
#include "source/tls/tls_stream.h"

namespace narthex {
namespace {

// A server name is a host name and no address (RFC 6066 section 3).
bool MayBeAskedFor(const std::string& name) {
  return IsHostName(name) && !Address::Ip(name, 0).ok();
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::MakeServer(EventLoop& loop, int fd,
                                                 std::shared_ptr<const TlsContext> context) {
  std::unique_ptr<TlsStream> stream(new TlsStream(loop, fd, std::move(context)));
  if (!stream->Open()) return nullptr;
  SSL_set_accept_state(stream->ssl_.get());
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::MakeClient(EventLoop& loop, int fd,
                                                 std::shared_ptr<const TlsContext> context,
                                                 TlsClientOptions options) {
  std::unique_ptr<TlsStream> stream(new TlsStream(loop, fd, std::move(context)));
  if (!stream->Open() || !stream->SetUpClient(std::move(options))) return nullptr;
  SSL_set_connect_state(stream->ssl_.get());
  return stream;
}

bool TlsStream::SetUpClient(TlsClientOptions options) {
  const TlsInputs& inputs = material_->inputs();
  std::string& name = record_.server_name;
  name = !options.server_name.empty()                         ? std::move(options.server_name)
         : inputs.auto_host_sni && !options.host_name.empty() ? std::move(options.host_name)
                                                              : inputs.sni;
  record_.verify_names = std::move(options.verify_names);
  if (inputs.auto_sni_san_validation) {
    if (name.empty()) refusal_ = "auto_sni_san_validation has no server name to check the certificate for";
    // Replaces other names rather than joining them: of those one would do.
    record_.verify_names = {name};
  }
  if (!record_.verify_names.empty() && !context_->verifies_chain()) {
    refusal_ = "the names of a certificate are to be checked, and there is no trusted_ca";
  }
  SSL* ssl = ssl_.get();
  if (MayBeAskedFor(name) && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) return false;
  const std::string alpn = material_->alpn_wire().empty() ? AlpnWire(options.alpn) : material_->alpn_wire();
  // The one call of OpenSSL's that returns 0 for success.
  if (!alpn.empty() && SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn.data()),
                                           static_cast<unsigned int>(alpn.size())) != 0) {
    return false;
  }
  sessions_ = std::move(options.sessions);
  if (sessions_ == nullptr) return true;
  record_.on_session = &TlsStream::OnSession;
  record_.session_context = this;
  const SslSessionPtr session = sessions_->Take(material_, ResumptionKey());
  return session == nullptr || SSL_set_session(ssl, session.get()) == 1;
}

// A session's certificate is not verified again, so it must be one that was verified by the same names.
std::string TlsStream::ResumptionKey() const {
  std::string key = record_.server_name;
  for (const std::string& name : record_.verify_names) key += '\n' + name;
  return key;
}

void TlsStream::OnSession(void* self, SSL_SESSION* session) {
  auto& stream = *static_cast<TlsStream*>(self);
  stream.sessions_->Put(stream.material_, stream.ResumptionKey(), SslSessionPtr(session));
}

Task<TlsHandshakeResult> TlsStream::Handshake() {
  if (!refusal_.empty()) {
    phase_ = Phase::kFailed;
    error_ = EPROTO;
    error_text_ = refusal_;
    context_->stats().connection_error.Add();
    co_return TlsHandshakeResult{false, "TLS error: " + refusal_};
  }
  const bool is_server = context_->role() == TlsContext::Role::kServer;
  // A crowd of clients must not keep those that are in from the services.
  const HeavyRank rank = is_server ? HeavyRank::kNewcomer : HeavyRank::kServed;
  // The client speaks first.
  if (is_server) co_await Readable();
  while (true) {
    // Its cryptography keeps all others of the loop waiting.
    co_await HeavyTurn(loop_, rank);
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) co_return Succeed();
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) {
      MarkDrained();
      co_await Readable();
    } else if (error == SSL_ERROR_WANT_WRITE) {
      MarkFull();
      co_await Writable();
    } else {
      co_return FailHandshake(error);
    }
  }
}

TlsHandshakeResult TlsStream::Succeed() {
  phase_ = Phase::kOpen;
  context_->stats().CountHandshake(AgreedBy(ssl_.get()));
  context_->stats().CountStapling(record_.stapling);
  return {true, {}};
}

TlsHandshakeResult TlsStream::FailHandshake(int ssl_error) {
  const unsigned long error = ERR_peek_error();
  const bool of_tls = ssl_error == SSL_ERROR_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL;
  const int reason = of_tls ? ERR_GET_REASON(error) : 0;
  CountFailure(static_cast<unsigned long>(reason));
  Fail(ssl_error, bio_.read_error != 0 ? bio_.read_error : bio_.write_error);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && !record_.verdict.detail.empty()) {
    error_text_ = "TLS error: certificate verify failed: " + record_.verdict.detail;
  } else if (!record_.refusal.empty()) {
    error_text_ = "TLS error: " + record_.refusal;
  } else if (error_ == ECONNRESET) {
    error_text_ = "TLS error: the peer closed the connection during the handshake";
  }
  return {false, error_text_};
}

void TlsStream::CountFailure(unsigned long reason) {
  const TlsStats& stats = context_->stats();
  stats.CountStapling(record_.stapling);
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return stats.fail_verify_no_cert.Add();
  if (reason != SSL_R_CERTIFICATE_VERIFY_FAILED) return stats.connection_error.Add();
  switch (record_.verdict.failure) {
    case PeerVerdict::Failure::kName:
      return stats.fail_verify_san.Add();
    case PeerVerdict::Failure::kPin:
      return stats.fail_verify_cert_hash.Add();
    default:
      return stats.fail_verify_error.Add();
  }
}

std::shared_ptr<const TlsFacts> TlsStream::Facts() {
  if (facts_ == nullptr) facts_ = FactsOfConnection(ssl_.get(), record_, material_->inputs());
  return facts_;
}

std::string_view TlsStream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace narthex
