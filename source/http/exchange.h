#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/exchange_error.h"
#include "source/http/header_map.h"
#include "source/http/held_bytes.h"
#include "source/net/address.h"

namespace narthex {

class ClusterManager;
class EventLoop;
struct Route;
struct TlsFacts;

// What only some connections have.
struct ConnectionDetails {
  Address peer;                         // the socket's, which speaks for another; else empty
  std::string server_name;              // that the client asks for (SNI)
  std::shared_ptr<const TlsFacts> tls;  // null without TLS
  std::string transport_failure;        // why the TLS handshake failed, in words
};

// What is known of a downstream connection. Owned by the connection, outlives its exchanges.
struct ConnectionFacts {
  uint64_t id = 0;
  Address remote;                          // the socket's peer, or whom it speaks for (PROXY protocol)
  Address local;                           // likewise: where the client's connection went
  std::string_view protocol = "HTTP/1.1";  // for reports only
  bool secure = false;
  std::shared_ptr<const ConnectionDetails> details;  // null: there are none

  // The peer of this connection is a proxy that says whom it speaks for.
  void SpeaksFor(Address source, Address destination) {
    Detail([this](ConnectionDetails& known) { known.peer = std::move(remote); });
    remote = std::move(source);
    local = std::move(destination);
  }
  // Calls `add` with the details, to add to them.
  template <class Add>
  void Detail(Add add) {
    auto more = details == nullptr ? std::make_shared<ConnectionDetails>()
                                   : std::make_shared<ConnectionDetails>(*details);
    add(*more);
    details = std::move(more);
  }

  // The socket's peer.
  const Address& direct_remote() const {
    return details == nullptr || details->peer.empty() ? remote : details->peer;
  }
  std::string_view server_name() const {
    return details == nullptr ? std::string_view() : details->server_name;
  }
  const TlsFacts* tls() const { return details == nullptr ? nullptr : details->tls.get(); }

  // The peer's IP address in text, made when it is first asked for: valid as long as this is. REQUIRES:
  // remote.is_ip().
  std::string_view RemoteIp() const {
    if (remote_ip_.empty()) remote_ip_ = remote.IpString();
    return remote_ip_;
  }

 private:
  mutable std::string remote_ip_;
};

// Of a request, among those of its cluster: each has its own circuit breakers.
enum class Priority : uint8_t { kDefault, kHigh };

// What is known of the upstream side of an exchange; filled in by the router.
struct UpstreamFacts {
  std::string_view cluster;  // owned by the snapshot
  Address host;
  Address local;
  std::string_view protocol;
  uint32_t attempts = 0;
  uint64_t waits_since = 0;  // for `host`: to connect, then to answer; microseconds of the loop's clock
  Priority priority = Priority::kDefault;
  std::string transport_failure;
};

// Points on the exchange's time line, microseconds of the loop's monotonic clock; 0 = not reached.
struct ExchangeTimes {
  std::chrono::system_clock::time_point start_wall;
  uint64_t start = 0;
  uint64_t request_end = 0;     // last byte of the request read from downstream
  uint64_t upstream_start = 0;  // first byte of the request sent upstream
  // Of the connection that serves the request; it may be older than the exchange.
  uint64_t upstream_connect = 0;    // began to connect
  uint64_t upstream_connected = 0;  // connected
  uint64_t upstream_handshake = 0;  // the TLS handshake was done
  uint64_t upstream_end = 0;        // last byte of the request sent upstream
  uint64_t response_head = 0;       // response head received from upstream
  uint64_t response_body = 0;       // first bytes of the response's body received from upstream
  uint64_t response_end = 0;        // last byte of the response received from upstream
  uint64_t downstream_start = 0;    // first byte of the response sent
  uint64_t end = 0;                 // last byte of the response sent, or the exchange given up
};

// One request with its response, from the first byte to the access log. Filters, router, log and explain read
// and write it through Request::info(). Loop-confined; owned by the codec's stream and destroyed after the
// access log.
class Exchange {
 public:
  Exchange(EventLoop& loop, const ConnectionFacts& connection)
      : protocol(connection.protocol), loop_(loop), connection_(connection) {}
  Exchange(const Exchange&) = delete;

  EventLoop& loop() const { return loop_; }
  const ConnectionFacts& connection() const { return connection_; }

  // The request's fields as the filters have left them; Request::headers() is this map. Kept until the access
  // log.
  HeaderMap request_headers;
  std::string_view protocol;  // the request's, for reports only
  ExchangeTimes times;
  UpstreamFacts upstream;
  // The client's address after x-forwarded-for and the like; the connection's until the manager has decided.
  Address client;
  uint64_t request_body_bytes = 0;
  uint64_t response_body_bytes = 0;
  uint64_t request_header_bytes = 0;
  uint64_t response_header_bytes = 0;
  int response_status = 0;
  std::string response_details;  // %RESPONSE_CODE_DETAILS%
  std::string termination_details;
  std::string_view route_name;  // of the chosen route, which owns it; set with it
  bool is_health_check = false;
  bool response_mutated = false;  // the route's changes to response headers have been made
  bool internal = false;
  bool overloaded = false;        // refused, for the process is overloaded; set by the connection manager
  bool close_connection = false;  // HTTP/1: the client's connection takes no request after this one
  // The request asks for another protocol, and there is no other way to serve it (extended CONNECT).
  bool upgrade_only = false;
  // The content-type of the response to a gRPC-Web call, in whose form local replies are made, too; empty: it
  // is none. The bytes outlive the exchange.
  std::string_view grpc_web_type;
  // The gRPC status that stood in trailers which a filter has put elsewhere.
  std::optional<uint64_t> grpc_status;
  // How long it may last at most: max_stream_duration, or what grpc-timeout asks for in its place; 0 for
  // ever. None where nothing is said. Set by the connection manager.
  std::optional<std::chrono::milliseconds> max_duration;
  // The worker's clusters; set by the connection manager.
  ClusterManager* clusters = nullptr;
  // The configuration that serves this exchange from start to end; set and read by the connection manager.
  std::shared_ptr<const void> snapshot;
  // What is kept for it beside its codec.
  HeldBytesList held_bytes;
  // Random bits of this exchange: weighted choices, fractions, sampling.
  uint64_t random = 0;

  // The chosen route; null before. `snapshot` keeps it alive.
  const Route* route() const { return route_; }
  void set_route(const Route& route) { route_ = &route; }

  void AddFlag(ResponseFlag flag) { flags_ |= uint64_t{1} << static_cast<int>(flag); }
  bool HasFlag(ResponseFlag flag) const { return (flags_ >> static_cast<int>(flag)) & 1; }
  uint64_t flags() const { return flags_ & ~uint64_t{1}; }

  // Sends a 1xx response downstream, now. Set by the codec; does nothing when it can't be sent any more.
  void SendInterim(const HeaderMap& headers) {
    if (interim_ != nullptr) interim_(interim_context_, headers);
  }
  void SetInterim(void (*send)(void* context, const HeaderMap& headers), void* context) {
    interim_ = send;
    interim_context_ = context;
  }

  // How long the exchange may idle, in place of the listener's stream_idle_timeout; 0: for ever. From now on.
  void SetIdleTimeout(std::chrono::milliseconds timeout) {
    idle_timeout_ = timeout;
    if (idle_changed_ != nullptr) idle_changed_(idle_context_);
  }
  const std::optional<std::chrono::milliseconds>& idle_timeout() const { return idle_timeout_; }
  // For the codec, which keeps the time.
  void OnIdleTimeout(void (*changed)(void* context), void* context) {
    idle_changed_ = changed;
    idle_context_ = context;
  }

  // Keeps `token` until the exchange has ended.
  void Hold(std::shared_ptr<void> token) { held_.push_back(std::move(token)); }

  // Dynamic metadata: namespace, key, text value.
  struct MetadataEntry {
    std::string space, key, value;
  };
  void SetMetadata(std::string_view space, std::string_view key, std::string_view value);
  const std::vector<MetadataEntry>& metadata() const { return metadata_; }
  // Data is null when there is none.
  std::string_view GetMetadata(std::string_view space, std::string_view key) const;

 private:
  EventLoop& loop_;
  const ConnectionFacts& connection_;
  const Route* route_ = nullptr;
  uint64_t flags_ = 0;
  void (*interim_)(void*, const HeaderMap&) = nullptr;
  void* interim_context_ = nullptr;
  std::optional<std::chrono::milliseconds> idle_timeout_;
  void (*idle_changed_)(void*) = nullptr;
  void* idle_context_ = nullptr;
  std::vector<std::shared_ptr<void>> held_;
  std::vector<MetadataEntry> metadata_;
};

}  // namespace narthex
