#include "source/server/first_bytes.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace narthex {

namespace {

// Most beginnings are shorter.
constexpr size_t kFirstLook = 512;

}  // namespace

FirstBytes::FirstBytes(EventLoop& loop, int fd) : fd_(fd), registration_(loop.Register(fd, *this)) {}

FirstBytes::~FirstBytes() = default;

Task<FirstBytes::State> FirstBytes::More(size_t most) {
  const size_t before = seen_.size();
  if (before >= most) co_return State::kLimit;
  size_t room = std::max(before + 1, std::min(kFirstLook, most));
  while (true) {
    readable_.Reset();
    const bool last = ending_;
    seen_.resize(room);
    ssize_t size = recv(fd_, seen_.data(), room, MSG_PEEK);
    const int error = errno;
    seen_.resize(size > 0 ? static_cast<size_t>(size) : 0);
    if (size < 0 && error == EINTR) continue;
    if (size == 0 || (size < 0 && error != EAGAIN)) co_return State::kEnd;
    // All of the room is taken, so that there may be still more.
    if (static_cast<size_t>(std::max<ssize_t>(size, 0)) == room && room < most) {
      room = std::min(2 * room, most);
      continue;
    }
    if (seen_.size() > before) co_return State::kMore;
    if (last) co_return State::kEnd;
    co_await readable_.Wait();
  }
}

void FirstBytes::Take(size_t size) {
  std::string taken(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t got = recv(fd_, taken.data() + done, size - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // what failed meanwhile is met again by the next reader
    done += static_cast<size_t>(got);
  }
  seen_.erase(0, size);
}

void FirstBytes::OnReady(IoReadiness readiness) {
  ending_ |= readiness.closed;
  if (readiness.readable || readiness.closed) readable_.Set();
}

}  // namespace narthex
