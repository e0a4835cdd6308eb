// A client's connection to the proxy, in clear text or under TLS.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace narthex {

// Loop-confined, on a non-blocking socket that belongs to it. An event of the socket, whatever it says, is a
// reason to try again what had to wait; what is left after a short call needs no further event.
class Transport {
 public:
  enum class Progress { kDone, kWaiting, kFailed };

  explicit Transport(int fd) : fd_(fd) {}
  Transport(const Transport&) = delete;
  virtual ~Transport();

  // Goes on with the handshake; to be called at each event until it is done or has failed.
  virtual Progress Handshake() = 0;

  // The number of bytes received, 0 when there is nothing at present, -1 when the connection has ended.
  virtual ssize_t Receive(std::span<char> buffer) = 0;

  // Whether all of it was taken. What a client sends before it waits for answers is far smaller than a
  // socket's buffer; a socket that takes less is taken for a dead one.
  virtual bool Send(std::string_view bytes) = 0;

  // Says goodbye, as the protocol wants it; the destructor closes the socket.
  virtual void End() {}

  // What the handshake has agreed on, in words; empty in clear text.
  virtual std::string Agreed() const { return {}; }

  int fd() const { return fd_; }

 private:
  int fd_;
};

std::unique_ptr<Transport> MakePlainTransport(int fd);

}  // namespace narthex
