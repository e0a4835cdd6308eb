#include "source/tls/tls_stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace narthex {
namespace {

// Below this a piece is put together with what follows it: a record costs more than copying so much.
constexpr size_t kSmallPiece = 4096;

}  // namespace

TlsStream::TlsStream(EventLoop& loop, int fd, std::shared_ptr<const TlsContext> context)
    : loop_(loop),
      fd_(fd),
      context_(std::move(context)),
      material_(context_->material()),
      registration_(loop.Register(fd, *this)) {}

TlsStream::~TlsStream() {
  registration_.reset();
  if (phase_ == Phase::kOpen && !said_goodbye_ && offered_ == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  // OpenSSL would else forget the session of a connection that was cut, which is no fault of the session.
  if (phase_ == Phase::kOpen) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
  close(fd_);
}

bool TlsStream::Open() {
  ssl_ = material_->NewConnection(record_);
  BioPtr bio = MakeSocketBio(fd_, bio_);
  if (ssl_ == nullptr || bio == nullptr) return false;
  BIO* both = bio.release();
  SSL_set_bio(ssl_.get(), both, both);
  return true;
}

IoResult TlsStream::Read(Buffer& into, size_t max) {
  if (ended_) return {IoResult::Kind::kEnd};
  if (phase_ != Phase::kOpen) return {IoResult::Kind::kError, 0, error_};
  ERR_clear_error();
  size_t bytes = 0;
  while (bytes < max) {
    const std::span<char> room = into.Reserve();
    size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), std::min(room.size(), max - bytes), &n);
    into.Commit(result == 1 ? n : 0);
    if (result != 1) return AfterRead(SSL_get_error(ssl_.get(), result), bytes);
    bytes += n;
    CountReceived(n);
    record_.received += n;
    short_read_ = bio_.drained && !closed() && SSL_has_pending(ssl_.get()) == 0;
    if (short_read_) break;
  }
  return {IoResult::Kind::kDone, bytes};
}

IoResult TlsStream::AfterRead(int ssl_error, size_t bytes) {
  if (record_.flooded) ssl_error = SSL_ERROR_SSL;
  const IoResult::Kind so_far = bytes > 0 ? IoResult::Kind::kDone : IoResult::Kind::kWouldBlock;
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
      MarkDrained();
      return {so_far, bytes};
    case SSL_ERROR_WANT_WRITE:
      read_wants_write_ = true;
      MarkDrained();
      return {so_far, bytes};
    case SSL_ERROR_ZERO_RETURN:
      return {bytes > 0 ? IoResult::Kind::kDone : IoResult::Kind::kEnd, bytes};
    default:
      Fail(ssl_error, bio_.read_error);
      if (bytes > 0) return {IoResult::Kind::kDone, bytes};
      return {IoResult::Kind::kError, 0, error_};
  }
}

IoResult TlsStream::Write(Buffer& from) {
  if (phase_ != Phase::kOpen)
    return {IoResult::Kind::kError, 0, phase_ == Phase::kFailed ? error_ : ENOTCONN};
  ERR_clear_error();
  size_t written = 0;
  while (!from.empty()) {
    const size_t piece = NextPiece(from);
    if (piece < offered_) {
      Fail(SSL_ERROR_SYSCALL, EINVAL);
      return {IoResult::Kind::kError, written, error_};
    }
    size_t n = 0;
    const int result = SSL_write_ex(ssl_.get(), from.Front().data(), piece, &n);
    if (result != 1) return AfterWrite(SSL_get_error(ssl_.get(), result), piece, written);
    TrustShortRead();
    offered_ = 0;
    from.Consume(n);
    CountSent(n);
    written += n;
  }
  return {IoResult::Kind::kDone, written};
}

IoResult TlsStream::AfterWrite(int ssl_error, size_t offered, size_t written) {
  if (ssl_error != SSL_ERROR_WANT_WRITE && ssl_error != SSL_ERROR_WANT_READ) {
    Fail(ssl_error, bio_.write_error);
    return {IoResult::Kind::kError, written, error_};
  }
  offered_ = offered;
  write_wants_read_ = ssl_error == SSL_ERROR_WANT_READ;
  TrustShortRead();
  MarkFull();
  return {IoResult::Kind::kWouldBlock, written};
}

size_t TlsStream::NextPiece(Buffer& from) const {
  const size_t front = from.Front().size();
  size_t piece = front;
  if (front < kSmallPiece && front < from.size()) {
    iovec pieces[16];
    const size_t count = from.Vectors(pieces, std::size(pieces));
    for (size_t i = 1; i < count && piece + pieces[i].iov_len <= Block::kSize; ++i)
      piece += pieces[i].iov_len;
  }
  piece = std::max(piece, std::min(offered_, from.size()));
  return from.Linearize(piece) ? piece : front;
}

void TlsStream::Fail(int ssl_error, int system_error) {
  phase_ = Phase::kFailed;
  const unsigned long error = ERR_peek_error();
  const bool cut =
      ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (cut || (ssl_error == SSL_ERROR_SYSCALL && system_error == 0)) {
    error_ = ECONNRESET;
    error_text_ = "the peer cut the connection without a close_notify";
  } else if (ssl_error == SSL_ERROR_SYSCALL) {
    error_ = system_error;
    error_text_ = std::strerror(system_error);
  } else if (record_.flooded) {
    error_ = EPROTO;
    error_text_ = "TLS error: too many key updates";
  } else {
    error_ = EPROTO;
    error_text_ = "TLS error: " + TakeOpensslError();
  }
  ERR_clear_error();
}

void TlsStream::ShutdownWrite() {
  if (phase_ == Phase::kOpen && !said_goodbye_ && offered_ == 0) return SendCloseNotify();
  shutdown(fd_, SHUT_WR);
}

// OpenSSL keeps what the socket does not take; it is tried again when there is room.
void TlsStream::SendCloseNotify() {
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  close_notify_waits_ = result < 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
  said_goodbye_ = true;
  if (close_notify_waits_) {
    MarkFull();
  } else {
    shutdown(fd_, SHUT_WR);
  }
}

void TlsStream::ShutdownBoth() {
  if (phase_ == Phase::kOpen && !said_goodbye_ && offered_ == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  said_goodbye_ = true;
  close_notify_waits_ = false;
  ended_ = true;
  shutdown(fd_, SHUT_RDWR);
}

void TlsStream::AbortOnClose() {
  said_goodbye_ = true;
  const linger now = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool TlsStream::Quiet() {
  if (closed() || phase_ != Phase::kOpen) return false;
  if (!maybe_readable() || short_read_) return true;
  return Peek() == Peeked::kNothing;
}

// Of what is not application data, OpenSSL takes in all that there is.
TlsStream::Peeked TlsStream::Peek() {
  ERR_clear_error();
  char byte;
  size_t n = 0;
  const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
  if (result == 1) return Peeked::kBytes;
  const int error = record_.flooded ? SSL_ERROR_SSL : SSL_get_error(ssl_.get(), result);
  switch (error) {
    case SSL_ERROR_WANT_WRITE:
      read_wants_write_ = true;
      [[fallthrough]];
    case SSL_ERROR_WANT_READ:
      MarkDrained();
      return Peeked::kNothing;
    case SSL_ERROR_ZERO_RETURN:
      return Peeked::kEnd;
    default:
      Fail(error, bio_.read_error);
      return Peeked::kEnd;
  }
}

bool TlsStream::EndIsNear() {
  if (phase_ == Phase::kFailed || PollFor(POLLRDHUP) != 0) return true;
  return phase_ == Phase::kOpen && Peek() == Peeked::kEnd;
}

bool TlsStream::Failed() {
  return phase_ == Phase::kFailed || (PollFor(0) & (POLLERR | POLLHUP)) != 0;
}

size_t TlsStream::Unreceived() {
  int bytes = 0;
  return ioctl(fd_, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

int TlsStream::PollFor(short events) const {
  pollfd poll_fd = {fd_, events, 0};
  return poll(&poll_fd, 1, 0) > 0 ? poll_fd.revents : 0;
}

void TlsStream::TrustShortRead() {
  if (std::exchange(short_read_, false)) MarkDrained();
}

void TlsStream::OnReady(IoReadiness ready) {
  if (ready.readable || ready.closed) short_read_ = false;
  if (ready.writable && close_notify_waits_) SendCloseNotify();
  const bool readable = ready.readable || (ready.writable && std::exchange(read_wants_write_, false));
  const bool writable = ready.writable || (ready.readable && std::exchange(write_wants_read_, false));
  Announce(readable, writable, ready.closed);
}

}  // namespace narthex
