#include "test/tls/raw_client_rig.h"

#include <openssl/err.h>
#include <unistd.h>

namespace narthex {

RawClientRig::~RawClientRig() {
  if (fd_ >= 0) close(fd_);
}

void RawClientRig::Start(const std::shared_ptr<TlsContext>& server, int min_version, int max_version,
                         const char* ciphers) {
  ASSERT_NE(server, nullptr) << errors_;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context_.get(), 0);
  SSL_CTX_set_min_proto_version(context_.get(), min_version);
  SSL_CTX_set_max_proto_version(context_.get(), max_version);
  SSL_CTX_set_cipher_list(context_.get(), ciphers);
  int fds[2];
  MakeSockets(fds);
  ssl_.reset(SSL_new(context_.get()));
  if (fd_ >= 0) close(fd_);
  fd_ = fds[1];
  SSL_set_fd(ssl_.get(), fd_);
  accepting_ = {};
  stream_ = TlsStream::MakeServer(*loop_, fds[0], server);
  accepting_ = ShakeHands(*stream_, accepted_);
  accepting_.Start();
}

bool RawClientRig::Shake() {
  int result = 0;
  for (int i = 0; i < 1000 && result != 1; ++i) {
    result = SSL_connect(ssl_.get());
    loop_->RunOnce();
    if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) break;
  }
  for (int i = 0; i < 10 && !accepting_.done(); ++i) loop_->RunOnce();
  ERR_clear_error();
  return result == 1;
}

IoResult RawClientRig::ServerReads() {
  IoResult result;
  for (int i = 0; i < 10; ++i) {
    loop_->RunOnce();
    Buffer into;
    result = stream_->Read(into, 65536);
    if (result.kind != IoResult::Kind::kWouldBlock) break;
  }
  return result;
}

}  // namespace narthex
