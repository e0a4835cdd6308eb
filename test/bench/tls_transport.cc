#include "test/bench/tls_transport.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace narthex {
namespace {

constexpr char kCipherSuite[] = "TLS_AES_128_GCM_SHA256";
constexpr char kGroup[] = "X25519";

// Several records at a read keep the load generator cheap.
constexpr size_t kReadAhead = 64 * 1024;

void Check(bool good) {
  if (good) return;
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

int KeepTicket(SSL* ssl, SSL_SESSION* ticket) {
  static_cast<TlsSession*>(SSL_get_app_data(ssl))->reset(ticket);
  return 1;  // it is ours now
}

class TlsTransport : public Transport {
 public:
  TlsTransport(int fd, std::unique_ptr<SSL, OpenSslDelete> ssl, std::string_view alpn, TlsSession& session)
      : Transport(fd), ssl_(std::move(ssl)), alpn_(alpn), resumes_(session != nullptr) {
    Check(SSL_set_fd(ssl_.get(), fd) == 1);
    SSL_set_app_data(ssl_.get(), &session);
    if (resumes_) Check(SSL_set_session(ssl_.get(), session.get()) == 1);
    SSL_set_connect_state(ssl_.get());
  }

  Progress Handshake() override {
    int result = SSL_do_handshake(ssl_.get());
    if (result != 1) return Waits(result) ? Progress::kWaiting : Progress::kFailed;
    bool good = (SSL_session_reused(ssl_.get()) == 1) == resumes_ && ChosenProtocol() == alpn_;
    return good ? Progress::kDone : Progress::kFailed;
  }

  ssize_t Receive(std::span<char> buffer) override {
    int size =
        SSL_read(ssl_.get(), buffer.data(), static_cast<int>(std::min<size_t>(buffer.size(), INT_MAX)));
    if (size > 0) return size;
    return Waits(size) ? 0 : -1;
  }

  bool Send(std::string_view bytes) override {
    int size = static_cast<int>(bytes.size());
    int sent = SSL_write(ssl_.get(), bytes.data(), size);
    if (sent <= 0) ERR_clear_error();
    return sent == size;
  }

  void End() override {
    if (SSL_shutdown(ssl_.get()) < 0) ERR_clear_error();
  }

  std::string Agreed() const override {
    const char* group = OBJ_nid2sn(SSL_get_negotiated_group(ssl_.get()));
    return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get()) + " " + group;
  }

 private:
  // Whether the failed call only waits for the peer. OpenSSL's queue of errors is empty afterwards.
  bool Waits(int result) const {
    int error = SSL_get_error(ssl_.get(), result);
    if (error != SSL_ERROR_WANT_READ) ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  std::string_view ChosenProtocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  std::unique_ptr<SSL, OpenSslDelete> ssl_;
  std::string_view alpn_;
  bool resumes_;
};

}  // namespace

TlsClient::TlsClient(std::string_view alpn, bool resume)
    : context_(SSL_CTX_new(TLS_client_method())), alpn_(alpn) {
  SSL_CTX* context = context_.get();
  Check(context != nullptr);
  Check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
  Check(SSL_CTX_set_ciphersuites(context, kCipherSuite) == 1);
  Check(SSL_CTX_set1_groups_list(context, kGroup) == 1);
  std::string offered = static_cast<char>(alpn.size()) + std::string(alpn);
  Check(SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offered.data()),
                                static_cast<unsigned>(offered.size())) == 0);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadAhead);
  if (!resume) return;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, KeepTicket);
}

std::unique_ptr<Transport> TlsClient::Connect(int fd, TlsSession& session) const {
  std::unique_ptr<SSL, OpenSslDelete> ssl(SSL_new(context_.get()));
  Check(ssl != nullptr);
  return std::make_unique<TlsTransport>(fd, std::move(ssl), alpn_, session);
}

}  // namespace narthex
