#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/http/message.h"
#include "source/net/stream.h"

namespace narthex {

struct ClientCodecOptions {
  uint32_t max_response_header_kb = 60;
  uint32_t max_headers = 100;
  uint32_t buffer_limit = 1024 * 1024;  // see BodyReadSize
  bool enable_trailers = false;
};

// An upstream connection with a codec on it, owned by its pool. Loop-confined.
class ClientConnection {
 public:
  virtual ~ClientConnection() = default;

  using Result = std::variant<Response, ExchangeError>;
  // Sends `request` and returns the response at its head. The response's body reads from this connection and
  // pumps what is left of the request's; when both have ended it calls the owner's on_idle, when it is
  // destroyed earlier on_broken. 1xx responses other than 101 are handed to exchange (see proxy_100_continue)
  // or dropped. REQUIRES: idle.
  // When it fails before any byte of a response came and the request can still be made again exactly as it
  // was (nothing of its body was given away), it is moved to `*unsent`; the error's `retryable` then says
  // whether not even a byte of it was written. Destroying the task breaks the connection off.
  virtual Task<Result> Send(Request request, std::optional<Request>* unsent = nullptr) = 0;
  // Whether the peer has closed or sent something unasked while idle: such a connection must not be used.
  virtual bool usable() const = 0;
  virtual uint64_t requests_sent() const = 0;
};

// Told by the connection, from the loop or from inside a coroutine; the owner must destroy it only through
// DeleteLater.
class ClientConnectionOwner {
 public:
  virtual ~ClientConnectionOwner() = default;
  // An exchange has ended in good order and the connection may take another.
  virtual void OnIdle(ClientConnection& connection) = 0;
  // The connection can't be used again: closed by the peer (also while idle), broken off, `Connection:
  // close`.
  virtual void OnBroken(ClientConnection& connection) = 0;
};

std::unique_ptr<ClientConnection> MakeHttp1ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream,
                                                            ClientConnectionOwner& owner,
                                                            ClientCodecOptions options);

}  // namespace narthex
