#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// The system calls that every request makes, four times together. libc's functions of the same names are
// points where a thread can be cancelled (POSIX, pthread_cancel), which costs two atomic operations a call as
// soon as there is a second thread; no thread of the gateway is ever cancelled. Same results, errors in
// errno.
//
// Under sanitizers these are libc's, since there they check the memory that the kernel reads and writes.
namespace narthex::system_calls {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define NARTHEX_LIBC_SYSTEM_CALLS 1
#endif
#endif

#ifdef NARTHEX_LIBC_SYSTEM_CALLS
inline ssize_t Receive(int fd, void* into, size_t size, int flags) {
  return recv(fd, into, size, flags);
}
inline ssize_t Send(int fd, const void* from, size_t size, int flags) {
  return send(fd, from, size, flags);
}
#undef NARTHEX_LIBC_SYSTEM_CALLS
#else
inline ssize_t Receive(int fd, void* into, size_t size, int flags) {
  return syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}
inline ssize_t Send(int fd, const void* from, size_t size, int flags) {
  return syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}
#endif

}  // namespace narthex::system_calls
