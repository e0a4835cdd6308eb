#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>

#include "source/event/event_loop.h"

namespace narthex {

// The sockets of a loop in an epoll set of their own: each is added once, edge-triggered for both directions,
// and its handler is called straight from the kernel's list of events. Loop-confined.
class SocketSet {
 public:
  // One socket of the set, until it is destroyed.
  class Member final : public IoRegistration {
   public:
    Member(SocketSet& set, int fd, IoHandler& handler);
    ~Member() override;

   private:
    friend class SocketSet;
    SocketSet& set_;
    IoHandler& handler_;
    const int fd_;
  };

  SocketSet();
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;

  // Readable when Dispatch has something to do.
  int fd() const { return epoll_; }
  // Takes the events that there are, without waiting, and hands them out behind `before(context)`; how many.
  // `before` and handlers may add and destroy members, their own and others.
  size_t Dispatch(void (*before)(void* context), void* context);

 private:
  static constexpr size_t kMost = 128;

  int epoll_;
  // The events that Dispatch is handing out; of a member that was destroyed meanwhile, null.
  std::array<epoll_event, kMost> events_;
  size_t count_ = 0;
};

}  // namespace narthex
