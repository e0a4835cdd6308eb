#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "filters/grpc_web/grpc_web.h"
#include "test/filters/filter_test_kit.h"

// A gRPC-Web call for the tests of the filter, and its bodies in both forms.
namespace narthex::testing {

inline constexpr std::string_view kWeb = "application/grpc-web";
inline constexpr std::string_view kWebProto = "application/grpc-web+proto";
inline constexpr std::string_view kText = "application/grpc-web-text";
inline constexpr std::string_view kTextProto = "application/grpc-web-text+proto";

inline std::shared_ptr<const HttpFilter> Filter() {
  return Make(GrpcWebFilter(), envoy::extensions::filters::http::grpc_web::v3::GrpcWeb());
}

inline std::string Frame(std::string_view message, char flag = 0) {
  return std::string{flag, 0, 0, 0, static_cast<char>(message.size())}.append(message);
}

// A call with two messages in answer. Both bodies have a length that does not hold for what becomes of them.
inline Scenario Call(std::string_view content_type, std::string body = Frame("hello"),
                     std::string_view accept = {}) {
  Scenario scenario;
  scenario.request.headers[0].second = "POST";
  scenario.request.headers[1].second = "/shop.Cart/Add";
  scenario.request.headers.emplace_back("content-type", content_type);
  scenario.request.headers.emplace_back("content-length", std::to_string(body.size()));
  if (!accept.empty()) scenario.request.headers.emplace_back("accept", accept);
  scenario.request.body = std::move(body);
  scenario.response.headers.emplace_back("content-type", "application/grpc");
  scenario.response.body = Frame("hello") + Frame("good bye");
  scenario.response.trailers = Fields{{"grpc-status", "0"}, {"x-more", "a b"}};
  return scenario;
}

inline const std::string& TrailersFrameBytes() {
  static const std::string frame = Frame("grpc-status:0\r\nx-more:a b\r\n", '\x80');
  return frame;
}

// As the command "base64" of coreutils encodes them.
inline constexpr std::string_view kHello = "AAAAAAVoZWxsbw==";
inline constexpr std::string_view kGoodBye = "AAAAAAhnb29kIGJ5ZQ==";
inline constexpr std::string_view kTrailers = "gAAAABtncnBjLXN0YXR1czowDQp4LW1vcmU6YSBiDQo=";

}  // namespace narthex::testing
