#include "filters/grpc_web/grpc_web.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "filters/grpc_web/web_body.h"
#include "filters/grpc_web/web_call.h"
#include "source/config/unpack.h"
#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_web::v3;

constexpr std::string_view kAcceptEncoding = "grpc-accept-encoding";
constexpr std::string_view kBadBase64Text = "Bad gRPC-web request, invalid base64 data.";
// How much of a response that is none of gRPC a client gets to read.
constexpr size_t kLongestMessage = 16384;

// What a gRPC service needs to see; the body has no length any more.
void TranslateHeaders(const WebCall& call, HeaderMap& headers) {
  headers.Remove(Header::kContentLength);
  headers.SetView(Header::kContentType, call.GrpcType(headers));
  headers.SetView(Header::kTe, "trailers");
  // Clients in browsers decompress no messages.
  if (!headers.Has(kAcceptEncoding)) headers.Add(kAcceptEncoding, "identity");
}

// Whether the response can be passed on message by message; another one comes from a proxy or a web server.
bool IsGrpcResponse(const Response& response) {
  constexpr std::string_view kGrpc = "application/grpc";
  const std::string_view type = response.headers().Get(Header::kContentType);
  if (response.status() != 200 || !type.starts_with(kGrpc)) return false;
  const std::string_view rest = type.substr(kGrpc.size());
  return rest.empty() || rest.starts_with('+') || rest == "-web" || rest.starts_with("-web+");
}

// The manager makes its final form; only what has gone wrong with the body is to be told.
Response Explain(Response reply) {
  if (!reply.local()->detail.starts_with(kBadBase64)) return reply;
  reply.headers().Set(Header::kContentLength, std::to_string(kBadBase64Text.size()));
  reply.headers().SetView(Header::kContentType, "text/plain");
  reply.set_body(Body(kBadBase64Text));
  return reply;
}

// Appends the beginning of a body to `text`; the rest is given up. Null unless the body broke off.
Task<std::unique_ptr<ExchangeError>> ReadMessage(Body& body, std::string& text) {
  bool end = body.empty();
  while (!end && text.size() < kLongestMessage) {
    BodyPiece piece = co_await body.Read();
    if (piece.error != nullptr) co_return std::move(piece.error);
    text += piece.data.ToString();
    end = piece.end;
  }
  text.resize(std::min(text.size(), kLongestMessage));
  co_return nullptr;
}

// A response of the upstream that is none of gRPC, and its body, in the form of one without messages: what a
// gRPC service would send if it failed before it began.
void MakeTrailersOnly(Response& response, std::string_view text) {
  HeaderMap& headers = response.headers();
  // Nobody would read a compressed text.
  if (headers.Remove(Header::kContentEncoding) > 0) text = {};
  headers.Set(Header::kGrpcStatus, std::to_string(GrpcStatusOfHttp(response.status())));
  if (!text.empty()) headers.Set(Header::kGrpcMessage, EncodeGrpcMessage(text));
  headers.Remove(Header::kContentLength);
  response.set_body(Body(Buffer()));
}

// What the client reads of the upstream's response.
Task<Response> Translate(Response response, const WebCall& web, const WebOutcome& outcome) {
  HeaderMap& headers = response.headers();
  outcome.Count(headers);
  const bool grpc = IsGrpcResponse(response);
  const bool empty = response.body().empty();
  headers.SetView(Header::kContentType, outcome.exchange().grpc_web_type);
  // Headers with a status are all that a call without messages has; they stay headers.
  if (empty && headers.Has(Header::kGrpcStatus)) co_return response;
  if (grpc && !empty) {
    headers.Remove(Header::kContentLength);
    response.set_body(EncodeResponseBody(std::move(response.body()), web.text_response, outcome));
    co_return response;
  }
  std::string text;
  if (auto error = co_await ReadMessage(response.body(), text)) co_return LocalReplyFor(std::move(*error));
  MakeTrailersOnly(response, text);
  co_return response;
}

class GrpcWeb : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next next) const override {
    const std::optional<WebCall> web = WebCall::Of(request.headers());
    if (!web) co_return co_await next(std::move(request));
    Exchange& exchange = request.info();
    const WebOutcome outcome(exchange);
    exchange.grpc_web_type = web->ResponseType(request.headers());
    TranslateHeaders(*web, request.headers());
    std::unique_ptr<ExchangeError> error;
    std::optional<Body> body = DecodeRequestBody(std::move(request.body()), web->text_request, error);
    if (!body) co_return Explain(LocalReplyFor(std::move(*error)));
    request.set_body(*std::move(body));
    Response response = co_await next(std::move(request));
    if (response.local() != nullptr) co_return Explain(std::move(response));
    co_return co_await Translate(std::move(response), *web, outcome);
  }
};

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::GrpcWeb> config = Unpack<v3::GrpcWeb>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  return std::make_shared<GrpcWeb>();
}

}  // namespace

FilterFactory GrpcWebFilter() {
  return {.name = "envoy.filters.http.grpc_web",
          .type = "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
          .route_type = {},
          .make = &Make,
          .make_route = nullptr};
}

}  // namespace narthex
