#include "source/manager/local_reply_policy.h"

#include <string_view>
#include <utility>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/data_source.h"
#include "source/router/compile_mutations.h"
#include "source/router/matchers.h"
#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

using envoy::extensions::filters::network::http_connection_manager::v3::ResponseMapper;

constexpr std::string_view kPlainText = "text/plain";

// False after an error.
bool CompileFormat(const envoy::config::core::v3::SubstitutionFormatString& config, const ConfigPath& path,
                   Diagnostics& diagnostics, std::optional<OutputFormat>& format) {
  absl::StatusOr<OutputFormat> compiled = OutputFormat::Compile(config, path, OutputFormat::Use::kBody);
  diagnostics.AddStatus(compiled.status());
  if (!compiled.ok()) return false;
  format = *std::move(compiled);
  return true;
}

FormatContext ContextOf(const Exchange& exchange, const Response& reply, std::string_view body) {
  return FormatContext{&exchange, &exchange.request_headers, &reply.headers(), nullptr, body};
}

void SetStatus(Exchange& exchange, Response& reply, int status) {
  reply.set_status(status);
  exchange.response_status = status;
}

// Responses of these statuses end with their header section (RFC 9110 sections 15.3.5 and 15.4.5).
bool TakesBody(int status) {
  return status != 204 && status != 304;
}

void SetBody(Response& reply, std::string_view text) {
  if (text.empty() || !TakesBody(reply.status())) {
    reply.headers().Remove(Header::kContentLength);
    reply.headers().Remove(Header::kContentType);
    reply.set_body(Body(Buffer()));
    return;
  }
  reply.headers().Set(Header::kContentLength, std::to_string(text.size()));
  reply.set_body(Body(text));
}

// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: HTTP status 200 whatever happened, and the
// trailers in place of the headers. A gRPC-Web client keeps the HTTP status, as with Envoy: a browser shows
// it.
void MakeGrpc(Exchange& exchange, Response& reply, std::string_view text) {
  HeaderMap& headers = reply.headers();
  if (!headers.Has(Header::kGrpcStatus)) {
    headers.Set(Header::kGrpcStatus, std::to_string(GrpcStatusOfHttp(reply.status())));
  }
  // JSON formats end with a line feed, which is none of the message.
  const bool json = headers.Get(Header::kContentType) == "application/json";
  if (json && text.ends_with('\n')) text.remove_suffix(1);
  const bool head = exchange.request_headers.Get(Header::kMethod) == "HEAD";
  if (!text.empty() && !head) headers.Set(Header::kGrpcMessage, EncodeGrpcMessage(text));
  SetBody(reply, {});
  const bool web = !exchange.grpc_web_type.empty();
  if (!web) SetStatus(exchange, reply, 200);
  headers.Set(Header::kContentType, web ? exchange.grpc_web_type : "application/grpc");
}

}  // namespace

std::shared_ptr<const LocalReplyPolicy> LocalReplyPolicy::Compile(const Config& config,
                                                                  const ConfigPath& path,
                                                                  Diagnostics& diagnostics,
                                                                  const RuntimeLookup& runtime) {
  auto policy = std::make_shared<LocalReplyPolicy>();
  bool ok = true;
  for (int i = 0; i < config.mappers_size(); ++i) {
    const ConfigPath place = path.Field("mappers").Index(static_cast<size_t>(i));
    Mapper& mapper = policy->mappers_.emplace_back();
    mapper.filter =
        CompileAccessLogFilter(config.mappers(i).filter(), place.Field("filter"), diagnostics, runtime);
    ok &= CompileMapper(config.mappers(i), place, diagnostics, mapper) && mapper.filter != nullptr;
  }
  if (config.has_body_format()) {
    ok &= CompileFormat(config.body_format(), path.Field("body_format"), diagnostics, policy->format_);
  }
  if (!ok) return nullptr;
  return policy;
}

bool LocalReplyPolicy::CompileMapper(const ResponseMapper& config, const ConfigPath& path,
                                     Diagnostics& diagnostics, Mapper& mapper) {
  const size_t errors = diagnostics.error_count();
  mapper.status = static_cast<int>(config.status_code().value());
  if (config.has_body()) {
    absl::StatusOr<std::string> body = ReadDataSource(config.body(), path.Field("body"));
    diagnostics.AddStatus(body.status());
    if (body.ok()) mapper.body = *std::move(body);
  }
  if (config.has_body_format_override()) {
    CompileFormat(config.body_format_override(), path.Field("body_format_override"), diagnostics,
                  mapper.format);
  }
  const ConfigPath add = path.Field("headers_to_add");
  const google::protobuf::RepeatedPtrField<std::string> remove;
  mapper.headers = CompileHeaderLevel(config.headers_to_add(), add, remove, add, diagnostics);
  return diagnostics.error_count() == errors;
}

void LocalReplyPolicy::Rewrite(Exchange& exchange, Response& reply, std::string& body) const {
  const std::string before = body;
  const std::string type(reply.headers().Get(Header::kContentType));
  const OutputFormat* format = format_ ? &*format_ : nullptr;
  for (const Mapper& mapper : mappers_) {
    if (!mapper.filter->Passes(ContextOf(exchange, reply, body))) continue;
    if (mapper.body) body = *mapper.body;
    // Envoy evaluates them with the status as it was.
    if (mapper.headers != nullptr) mapper.headers->Apply(reply.headers(), ContextOf(exchange, reply, body));
    if (mapper.status != 0) SetStatus(exchange, reply, mapper.status);
    if (mapper.format) format = &*mapper.format;
    break;
  }
  if (format != nullptr) {
    std::string text;
    format->AppendTo(text, ContextOf(exchange, reply, body));
    body = std::move(text);
  }
  // A content type that headers_to_add set is kept; one of the old body is not.
  if (body == before || reply.headers().Get(Header::kContentType) != type) return;
  reply.headers().Set(Header::kContentType, format != nullptr ? format->content_type() : kPlainText);
}

void FinishLocalReply(const LocalReplyPolicy* policy, Exchange& exchange, Response& reply) {
  exchange.response_status = reply.status();
  const bool grpc = IsGrpc(exchange.request_headers) || !exchange.grpc_web_type.empty();
  // What a filter put in the body's place and is yet to come is no text to format.
  if ((policy == nullptr && !grpc) || !reply.body().complete()) return;
  std::string body = reply.body().buffered().ToString();
  if (policy != nullptr) {
    policy->Rewrite(exchange, reply, body);
    SetBody(reply, body);
  }
  if (grpc) MakeGrpc(exchange, reply, body);
}

}  // namespace narthex
