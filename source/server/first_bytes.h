#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/coro/event.h"
#include "source/coro/task.h"
#include "source/event/event_loop.h"

namespace narthex {

// The first bytes of a connection, looked at before anything reads them. Loop-confined; does not own the
// descriptor, and must be gone before anybody else registers it.
class FirstBytes : private IoHandler {
 public:
  FirstBytes(EventLoop& loop, int fd);
  ~FirstBytes() override;

  enum class State {
    kMore,   // there are more of them
    kEnd,    // the peer has sent no more and will not, or the connection failed
    kLimit,  // `most` have come
  };
  // Waits until there are more than seen().size() bytes, and looks at no more than `most`.
  Task<State> More(size_t most);
  // All that has come, and still waits in the socket. Valid until the next call.
  std::string_view seen() const { return seen_; }
  // Takes the first `size` of them out of the socket. REQUIRES: they were seen.
  void Take(size_t size);

 private:
  void OnReady(IoReadiness readiness) override;

  const int fd_;
  Event readable_;
  bool ending_ = false;  // the peer has closed its sending side, or the connection failed
  std::string seen_;
  std::unique_ptr<IoRegistration> registration_;
};

}  // namespace narthex
