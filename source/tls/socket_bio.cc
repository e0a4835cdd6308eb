#include "source/tls/socket_bio.h"

#include <errno.h>
#include <sys/socket.h>

#include "source/net/system_calls.h"

namespace narthex {
namespace {

int StateIndex() {
  static const int index = BIO_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

SocketBioState& StateOf(BIO* bio) {
  return *static_cast<SocketBioState*>(BIO_get_ex_data(bio, StateIndex()));
}

int FdOf(BIO* bio) {
  int fd = -1;
  BIO_get_fd(bio, &fd);
  return fd;
}

int Read(BIO* bio, char* into, int size) {
  SocketBioState& state = StateOf(bio);
  ssize_t n;
  do {
    n = system_calls::Receive(FdOf(bio), into, static_cast<size_t>(size), 0);
  } while (n < 0 && errno == EINTR);
  BIO_clear_retry_flags(bio);
  state.drained = n < size;
  if (n > 0) return static_cast<int>(n);
  state.read_error = n == 0 ? 0 : errno;
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (n < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int Write(BIO* bio, const char* from, int size) {
  SocketBioState& state = StateOf(bio);
  ssize_t n;
  do {
    n = system_calls::Send(FdOf(bio), from, static_cast<size_t>(size), MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  BIO_clear_retry_flags(bio);
  if (n >= 0) return static_cast<int>(n);
  state.write_error = errno;
  if (errno == EAGAIN) BIO_set_retry_write(bio);
  return -1;
}

BIO_METHOD* MakeMethod() {
  const BIO_METHOD* socket = BIO_s_socket();
  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOCKET, "socket of a stream");
  BIO_meth_set_read(method, &Read);
  BIO_meth_set_write(method, &Write);
  BIO_meth_set_puts(method, BIO_meth_get_puts(socket));
  BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(socket));
  BIO_meth_set_create(method, BIO_meth_get_create(socket));
  BIO_meth_set_destroy(method, BIO_meth_get_destroy(socket));
  return method;
}

}  // namespace

BioPtr MakeSocketBio(int fd, SocketBioState& state) {
  static BIO_METHOD* const method = MakeMethod();
  BioPtr bio(BIO_new(method));
  if (bio == nullptr || BIO_set_ex_data(bio.get(), StateIndex(), &state) != 1) return nullptr;
  BIO_set_fd(bio.get(), fd, BIO_NOCLOSE);
  return bio;
}

}  // namespace narthex
