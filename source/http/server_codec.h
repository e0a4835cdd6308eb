#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/http/http2_options.h"
#include "source/http/message.h"
#include "source/net/stream.h"
#include "source/overload/reduced_timeouts.h"
#include "source/overload/stream_accounts.h"

namespace narthex {

// What a codec asks of the layer above; the connection manager is the one in production. Loop-confined.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // A request head has been read. Called before Handle, and before a reply to a malformed request.
  virtual void OnStart(Exchange& exchange) = 0;
  // Answers the request. Destroyed when the client goes away. The response's body may go on reading the
  // request's.
  virtual Task<Response> Handle(Request request) = 0;
  // A request that could not be parsed (its error names status and detail) or timed out while it was read:
  // the reply.
  virtual Response Refuse(Exchange& exchange, int status, ExchangeError error) = 0;
  // The exchange has ended, well or not: `request` headers may be null when none were parsed; response
  // headers likewise.
  virtual void OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap* response,
                     const HeaderMap* response_trailers) = 0;
};

// Limits and timeouts of a downstream connection; zero durations mean none.
struct ServerCodecOptions {
  uint32_t max_header_kb = 60;
  uint32_t max_headers = 100;
  uint32_t buffer_limit = 1024 * 1024;  // see BodyReadSize
  uint64_t max_requests_per_connection = 0;
  std::chrono::milliseconds idle_timeout{3600'000};        // between requests
  std::chrono::milliseconds request_headers_timeout{0};    // from the first byte to the end of the head
  std::chrono::milliseconds stream_idle_timeout{300'000};  // no byte in either direction within an exchange
  std::chrono::milliseconds request_timeout{0};            // until the whole request was read
  // How long an exchange may stand still after the client has closed its sending side; none: it is ended at
  // once.
  std::chrono::milliseconds half_close_timeout{0};
  // How many bytes a second a client must send of a body, or receive of a response, while it is waited for:
  // see ClientPace. 0: as slowly as it likes.
  uint64_t min_client_rate = 0;
  std::chrono::milliseconds max_connection_duration{0};
  std::chrono::milliseconds drain_timeout{5000};  // how long a drained connection waits for a late request
  std::chrono::milliseconds delayed_close_timeout{1000};
  bool accept_http_10 = false;
  std::string default_host_for_http_10;
  bool allow_absolute_url = true;
  bool enable_trailers = false;
  bool proxy_100_continue = false;
  // HTTP/1 only: whether a connection goes on after a 400 of ours to a request whose head could be read. One
  // whose head could not ends its connection all the same.
  bool keep_after_bad_request = false;
  Http2Options http2;
};

// Envoy's response code detail of an exchange that the overloaded process has reset, and ours behind it.
inline constexpr std::string_view kHighMemoryStream = "overload;high_memory_stream";

// What ended a downstream connection.
enum class CloseCause : uint8_t {
  kRemote,       // the client closed or reset it
  kLocal,        // we did, for what a request or its answer said
  kIdleTimeout,  // between requests
  kMaxDuration,
  kMaxRequests,
  kDrain,
};

// A downstream connection with a codec on it. Destroying it ends every exchange on it. Loop-confined.
class ServerConnection {
 public:
  virtual ~ServerConnection() = default;
  // Ends the connection in good order: no new requests after the present ones (`Connection: close`, GOAWAY).
  virtual void Drain() = 0;
  // Whether a request is being served; from on_end on, whether one was cut off.
  virtual bool busy() const = 0;
  // Tells the peers of tunnels whose protocol has a word for it that the gateway goes away (WebSocket, close
  // code 1001), where they stand between two messages. To be called from the loop, right before the
  // connection is destroyed: nothing waits for an answer.
  virtual void SayGoodbye() = 0;
  // From on_end on.
  virtual CloseCause ended_by() const = 0;
  // Since when, in the loop's milliseconds, it has had nothing to do; 0 while it has.
  virtual uint64_t idle_since() const = 0;
  // The process is overloaded. Ends what has waited for longer than `reduced` leaves it, as if its timeout
  // were over. To be called from the loop.
  virtual void EndLate(const ReducedTimeouts& reduced) = 0;
  // Likewise: adds its streams, each with what is kept in memory for it, to be reset.
  virtual void Weigh(StreamAccounts& accounts) = 0;
  // Closes it, and its descriptor, now. REQUIRES: idle_since() is not 0; called from the loop.
  virtual void Close() = 0;
};

// Serves HTTP/1 on `stream`. Calls `on_end(context)` once, from inside a coroutine of the connection, when
// there is nothing more to do: the owner then destroys it through EventLoop::DeleteLater. `handler`, `facts`
// and `options` outlive the connection.
struct ServerConnectionContext {
  EventLoop& loop;
  RequestHandler& handler;
  const ConnectionFacts& facts;
  const ServerCodecOptions& options;
  void (*on_end)(void* context);
  void* context;
  // Null, or for HTTP/1 only: called once, when the client's first bytes show what it speaks. When they are
  // HTTP/2's preface (RFC 9113 section 3.4), it is given the stream and what was read of it, and this
  // connection, with which nothing more happens, may be destroyed through EventLoop::DeleteLater; else null.
  void (*on_protocol)(void* context, std::unique_ptr<Stream> http2, Buffer received) = nullptr;
};
std::unique_ptr<ServerConnection> MakeHttp1ServerConnection(std::unique_ptr<Stream> stream,
                                                            ServerConnectionContext context);

}  // namespace narthex
