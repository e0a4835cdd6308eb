#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/http/http2_options.h"
#include "source/http/message.h"
#include "source/net/stream.h"

namespace narthex {

struct ClientCodecOptions {
  uint32_t max_response_header_kb = 60;
  uint32_t max_headers = 100;
  uint32_t buffer_limit = 1024 * 1024;  // see BodyReadSize
  bool enable_trailers = false;
  Http2Options http2;
};

// An upstream connection with a codec on it, owned by its pool: HTTP/1 makes one exchange at a time, HTTP/2
// many. Loop-confined.
class ClientConnection {
 public:
  virtual ~ClientConnection() = default;

  using Result = std::variant<Response, ExchangeError>;
  // Sends `request` and returns the response at its head. The response's body reads from this connection and
  // pumps what is left of the request's; when both have ended it calls the owner's OnIdle, when it is
  // destroyed earlier HTTP/1 calls OnBroken, and HTTP/2 only resets the stream. 1xx responses other than 101
  // are handed to exchange (see proxy_100_continue) or dropped. REQUIRES: room() > 0.
  // When it fails before any byte of a response came and the request can still be made again exactly as it
  // was (nothing of its body was given away), it is moved to `*unsent`; the error's `retryable` then says
  // whether the upstream has certainly not acted on it: not a byte was written, or it has said so. Destroying
  // the task breaks the exchange off.
  virtual Task<Result> Send(Request request, std::optional<Request>* unsent = nullptr) = 0;
  // False when the peer has closed, wants to, or sent something unasked while idle: such a connection must
  // not be used.
  virtual bool usable() const = 0;
  // How many more exchanges it takes now; none when it is not usable.
  virtual uint32_t room() const = 0;
  // How many it has.
  virtual uint32_t active() const = 0;
  // Whether it takes exchanges beside others.
  virtual bool multiplexes() const = 0;
  // For reports only: "HTTP/1.1". A literal.
  virtual std::string_view protocol() const = 0;
  virtual uint64_t requests_sent() const = 0;
  // Of its whole life.
  virtual StreamBytes bytes() const { return {}; }
};

// How an exchange on a connection with several came to its end.
enum class ExchangeEnd : uint8_t {
  kDone,       // the response was read to its end
  kLost,       // the upstream reset it, or the connection was lost
  kCalledOff,  // by us
};

// Told by the connection, from the loop or from inside a coroutine; the owner must destroy it only through
// DeleteLater.
class ClientConnectionOwner {
 public:
  virtual ~ClientConnectionOwner() = default;
  // There is room again: an exchange has ended in good order, or the peer allows more of them.
  virtual void OnIdle(ClientConnection& connection) = 0;
  // An exchange has ended, whose upstream facts had this priority when it began. Only from connections that
  // multiplex.
  virtual void OnExchangeEnd(ClientConnection&, Priority, ExchangeEnd) {}
  // The connection takes no more exchanges, but goes on with those that it has; OnBroken follows when they
  // have ended. Only from connections with more than one exchange.
  virtual void OnGoingAway(ClientConnection&) {}
  // The connection can't be used again: closed by the peer (also while idle), broken off, `Connection:
  // close`. None of its exchanges is left.
  virtual void OnBroken(ClientConnection& connection) = 0;
};

std::unique_ptr<ClientConnection> MakeHttp1ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream,
                                                            ClientConnectionOwner& owner,
                                                            ClientCodecOptions options);

}  // namespace narthex
