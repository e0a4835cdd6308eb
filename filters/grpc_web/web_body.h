#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "filters/grpc_web/base64.h"
#include "filters/grpc_web/web_call.h"
#include "source/http/grpc_frames.h"
#include "source/http/message.h"

namespace narthex {

// The bodies of a gRPC-Web call on their way. Each piece is translated as it comes: what is held back is less
// than a group of base64. Loop-confined.

// Details of a request whose body is no base64; Envoy's words.
inline constexpr std::string_view kBadBase64 = "grpc_base_64_decode_failed";
inline constexpr std::string_view kBase64EndsEarly = "grpc_base_64_decode_failed_bad_size";

// The body of the gRPC request; `text`: that of the client's is base64. It has no length, as that of no gRPC
// request has. One that is here whole is decoded at once, and stays whole; none and `error` set when it is no
// base64. Otherwise the body breaks off where it stops to be base64, with status 400 and one of the details
// above.
std::optional<Body> DecodeRequestBody(Body body, bool text, std::unique_ptr<ExchangeError>& error);

// Writes gRPC messages (RFC 4648 section 4 of each, padded) whichever way they are cut: a client can read
// each of them as soon as its last byte was here.
class GrpcTextEncoder {
 public:
  void Encode(std::string_view bytes, std::string& out);
  // Pads what is left of a message that was not sent whole; what follows begins one.
  void Finish(std::string& out) {
    base64_.Pad(out);
    frames_ = GrpcFrames();
  }

 private:
  Base64Encoder base64_;
  GrpcFrames frames_;
};

// The frame that trailers are in a gRPC-Web body: flag 0x80, length, "name:value" lines.
std::string TrailersFrame(const HeaderMap& trailers);

// The body of the response to `call` as a gRPC-Web client reads it: its trailers are the last frame. They
// count the call, and its exchange keeps their status.
Body EncodeResponseBody(Body body, bool text, const WebOutcome& outcome);

}  // namespace narthex
