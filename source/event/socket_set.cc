#include "source/event/socket_set.h"

#include <unistd.h>

#include "source/base/check.h"

namespace narthex {

SocketSet::Member::Member(SocketSet& set, int fd, IoHandler& handler)
    : set_(set), handler_(handler), fd_(fd) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  // Fails for want of memory, or for a descriptor that can't be waited for, which no caller has: then no
  // event ever comes, and a timeout ends what waits for one.
  epoll_ctl(set_.epoll_, EPOLL_CTL_ADD, fd_, &event);
}

SocketSet::Member::~Member() {
  epoll_event none = {};
  epoll_ctl(set_.epoll_, EPOLL_CTL_DEL, fd_, &none);
  for (size_t i = 0; i < set_.count_; ++i) {
    if (set_.events_[i].data.ptr == this) set_.events_[i].data.ptr = nullptr;
  }
}

SocketSet::SocketSet() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  NARTHEX_CHECK(epoll_ >= 0);
}

SocketSet::~SocketSet() {
  close(epoll_);
}

size_t SocketSet::Dispatch(void (*before)(void* context), void* context) {
  const int got = epoll_wait(epoll_, events_.data(), kMost, 0);
  if (got <= 0) return 0;
  // `before` may destroy members, too.
  count_ = static_cast<size_t>(got);
  before(context);
  for (size_t i = 0; i < count_; ++i) {
    auto* member = static_cast<Member*>(events_[i].data.ptr);
    if (member == nullptr) continue;
    events_[i].data.ptr = nullptr;
    const uint32_t what = events_[i].events;
    // A reset or a failed connect says EPOLLERR and EPOLLHUP, whatever was asked for.
    const bool closed = (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    member->handler_.OnReady({(what & EPOLLIN) != 0 || closed, (what & EPOLLOUT) != 0 || closed, closed});
  }
  const size_t handled = count_;
  count_ = 0;
  return handled;
}

}  // namespace narthex
