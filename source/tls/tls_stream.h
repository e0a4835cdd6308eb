#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/net/stream.h"
#include "source/tls/context.h"
#include "source/tls/facts.h"
#include "source/tls/session_cache.h"
#include "source/tls/socket_bio.h"

namespace narthex {

struct TlsHandshakeResult {
  bool ok = false;
  // What went wrong, in words, as access logs print it (TRANSPORT_FAILURE_REASON):
  // "TLS error: certificate verify failed: certificate has expired (certificate "CN=a", depth 0)".
  std::string error;
};

// What a client's connection has of its own.
struct TlsClientOptions {
  // The host's name, for auto_host_sni.
  std::string host_name = {};
  // Ask for this name, whatever the context says (auto_sni).
  std::string server_name = {};
  // Of these names and addresses, in lower case and in their usual form, one must be a DNS name or an IP
  // address of the certificate (auto_san_validation); without a trusted authority in
  // the context the handshake fails.
  std::vector<std::string> verify_names = {};
  // Offer these protocols where the context names none.
  std::vector<std::string> alpn = {};
  // The worker's sessions of this context; null: none are resumed. Kept as long as the stream.
  std::shared_ptr<TlsSessionCache> sessions = {};
};

// TLS 1.2 or 1.3 (RFC 8446) over a connected, non-blocking socket, which it owns and registers once. Its
// handshake comes first; nothing is read or written before it has succeeded. Beyond what Stream says:
//
// - kEnd is the peer's close_notify; a connection that is cut without one is kError with ECONNRESET, for
//   bytes may be missing (RFC 8446 section 6.1). Other errors of TLS are kError with EPROTO; error_text()
//   says which.
// - ShutdownWrite sends close_notify and then a FIN. The destructor sends close_notify too, if it can do so
// at
//   once, unless AbortOnClose was called.
// - Bytes that Write could not send (kWouldBlock) must be offered again first, as TLS has sealed them
//   already.
class TlsStream final : public Stream, private IoHandler {
 public:
  // Take over `fd`; null when memory is out, and then `fd` is closed.
  static std::unique_ptr<TlsStream> MakeServer(EventLoop& loop, int fd,
                                               std::shared_ptr<const TlsContext> context);
  static std::unique_ptr<TlsStream> MakeClient(EventLoop& loop, int fd,
                                               std::shared_ptr<const TlsContext> context,
                                               TlsClientOptions options);
  ~TlsStream() override;

  // Has no timeout of its own: wrap it in WithTimeout. Destroying the task leaves a stream that can only be
  // destroyed. Does its cryptography in turns of the loop's of its own. Counts its outcome in the context's
  // statistics. The stream must outlive the task.
  Task<TlsHandshakeResult> Handshake();
  // What was agreed on; made at the first call, and stays valid without the stream. REQUIRES: the handshake
  // has succeeded.
  std::shared_ptr<const TlsFacts> Facts();
  // The protocol chosen by ALPN; empty for none.
  std::string_view alpn() const;
  // Why Read or Write gave kError, in words; empty when neither did.
  const std::string& error_text() const { return error_text_; }

  IoResult Read(Buffer& into, size_t max) override;
  IoResult Write(Buffer& from) override;
  void ShutdownWrite() override;
  void ShutdownBoth() override;
  void AbortOnClose() override;
  // Takes session tickets in, which are nothing to be read.
  bool Quiet() override;
  bool Failed() override;
  size_t Unreceived() override;

 protected:
  bool EndIsNear() override;

 private:
  enum class Phase { kHandshake, kOpen, kFailed };
  enum class Peeked { kNothing, kBytes, kEnd };

  TlsStream(EventLoop& loop, int fd, std::shared_ptr<const TlsContext> context);
  bool Open();
  bool SetUpClient(TlsClientOptions options);
  std::string ResumptionKey() const;
  static void OnSession(void* self, SSL_SESSION* session);

  TlsHandshakeResult Succeed();
  TlsHandshakeResult FailHandshake(int ssl_error);
  void CountFailure(unsigned long reason);
  // What an attempt to read came to that gave no further bytes; `bytes` came before it.
  IoResult AfterRead(int ssl_error, size_t bytes);
  IoResult AfterWrite(int ssl_error, size_t offered, size_t written);
  // The connection is of no more use: keeps why, as an errno and in words.
  void Fail(int ssl_error, int system_error);
  // How many bytes at the front of `from` go into the next record; they are contiguous then.
  size_t NextPiece(Buffer& from) const;
  Peeked Peek();
  void SendCloseNotify();
  void TrustShortRead();
  int PollFor(short events) const;
  void OnReady(IoReadiness ready) override;

  EventLoop& loop_;
  const int fd_;
  const std::shared_ptr<const TlsContext> context_;
  const std::shared_ptr<const TlsMaterial> material_;
  std::shared_ptr<TlsSessionCache> sessions_;
  HandshakeRecord record_;
  SocketBioState bio_;
  SslPtr ssl_;  // refers to the four above
  Phase phase_ = Phase::kHandshake;
  int error_ = 0;
  std::string error_text_;
  std::string refusal_;      // why the handshake must not begin
  size_t offered_ = 0;       // how many bytes OpenSSL has sealed and not sent
  bool short_read_ = false;  // as SocketStream's
  bool read_wants_write_ = false, write_wants_read_ = false;
  bool ended_ = false;               // by ShutdownBoth
  bool close_notify_waits_ = false;  // for room in the socket
  bool said_goodbye_ = false;        // close_notify needs no more sending
  std::shared_ptr<const TlsFacts> facts_;
  std::unique_ptr<IoRegistration> registration_;
};

}  // namespace narthex
