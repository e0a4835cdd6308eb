#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace narthex {

// Header names that the gateway itself looks at: found in a HeaderMap in constant time. Pseudo-headers first,
// as HTTP/2 names them; HTTP/1's request line and status line become the same fields.
#define NARTHEX_KNOWN_HEADERS(X)                                  \
  X(kMethod, ":method")                                           \
  X(kScheme, ":scheme")                                           \
  X(kAuthority, ":authority")                                     \
  X(kPath, ":path")                                               \
  X(kProtocol, ":protocol")                                       \
  X(kStatus, ":status")                                           \
  X(kAccept, "accept")                                            \
  X(kAcceptEncoding, "accept-encoding")                           \
  X(kAuthorization, "authorization")                              \
  X(kCacheControl, "cache-control")                               \
  X(kConnection, "connection")                                    \
  X(kContentEncoding, "content-encoding")                         \
  X(kContentLength, "content-length")                             \
  X(kContentType, "content-type")                                 \
  X(kCookie, "cookie")                                            \
  X(kDate, "date")                                                \
  X(kExpect, "expect")                                            \
  X(kForwarded, "forwarded")                                      \
  X(kGrpcStatus, "grpc-status")                                   \
  X(kGrpcMessage, "grpc-message")                                 \
  X(kGrpcTimeout, "grpc-timeout")                                 \
  X(kHost, "host")                                                \
  X(kKeepAlive, "keep-alive")                                     \
  X(kLocation, "location")                                        \
  X(kOrigin, "origin")                                            \
  X(kProxyConnection, "proxy-connection")                         \
  X(kReferer, "referer")                                          \
  X(kRetryAfter, "retry-after")                                   \
  X(kServer, "server")                                            \
  X(kSetCookie, "set-cookie")                                     \
  X(kTe, "te")                                                    \
  X(kTrailer, "trailer")                                          \
  X(kTransferEncoding, "transfer-encoding")                       \
  X(kUpgrade, "upgrade")                                          \
  X(kUserAgent, "user-agent")                                     \
  X(kVia, "via")                                                  \
  X(kXEnvoyExpectedRqTimeoutMs, "x-envoy-expected-rq-timeout-ms") \
  X(kXEnvoyExternalAddress, "x-envoy-external-address")           \
  X(kXEnvoyInternal, "x-envoy-internal")                          \
  X(kXEnvoyUpstreamServiceTime, "x-envoy-upstream-service-time")  \
  X(kXForwardedFor, "x-forwarded-for")                            \
  X(kXForwardedHost, "x-forwarded-host")                          \
  X(kXForwardedPort, "x-forwarded-port")                          \
  X(kXForwardedProto, "x-forwarded-proto")                        \
  X(kXRequestId, "x-request-id")

enum class Header : uint8_t {
  kUnknown,
#define NARTHEX_HEADER_ENUM(id, name) id,
  NARTHEX_KNOWN_HEADERS(NARTHEX_HEADER_ENUM)
#undef NARTHEX_HEADER_ENUM
      kCount,
};

inline constexpr std::string_view kHeaderNames[] = {"",
#define NARTHEX_HEADER_TEXT(id, name) name,
                                                    NARTHEX_KNOWN_HEADERS(NARTHEX_HEADER_TEXT)
#undef NARTHEX_HEADER_TEXT
};

// The name in lower case. REQUIRES: a known header.
constexpr std::string_view HeaderName(Header header) {
  return kHeaderNames[static_cast<size_t>(header)];
}
// The known header with this lower-case name, or kUnknown. No allocation, no hashing of the whole name.
Header FindHeader(std::string_view lower_case_name);

}  // namespace narthex
