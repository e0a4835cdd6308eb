#pragma once

#include <optional>
#include <string_view>

#include "source/http/exchange.h"
#include "source/http/header_map.h"

namespace narthex {

// What a gRPC-Web request says of itself and of the response that it wants:
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
struct WebCall {
  bool text_request = false;   // the body is base64
  bool text_response = false;  // that of the response is to be
  // Of what form the messages are, as the media type's suffix says: "proto", "json". Bytes of the request's
  // headers, which the exchange keeps.
  std::string_view suffix = "proto";

  // None unless content-type is one of application/grpc-web, application/grpc-web-text, each with or without
  // "+suffix" and parameters, in any case (RFC 9110 section 8.3.1).
  static std::optional<WebCall> Of(const HeaderMap& request);

  // The content-types of the gRPC request, and of the response to the client. Bytes that `storage` keeps, or
  // the program.
  std::string_view GrpcType(HeaderMap& storage) const;
  std::string_view ResponseType(HeaderMap& storage) const;
};

// Counts what came of a call, once. Made before the router may rewrite the path; a value, good for as long as
// its exchange.
class WebOutcome {
 public:
  explicit WebOutcome(Exchange& exchange)
      : exchange_(&exchange), path_(exchange.request_headers.Get(Header::kPath)) {}
  Exchange& exchange() const { return *exchange_; }
  // Counts the call by the grpc-status of these headers or trailers of the upstream's, if there is one.
  void Count(const HeaderMap& fields) const;

 private:
  Exchange* exchange_;
  std::string_view path_;  // bytes of the exchange's request headers
};

}  // namespace narthex
