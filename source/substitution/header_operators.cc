#include "source/substitution/grpc_status.h"
#include "source/substitution/operators.h"

namespace narthex {
namespace {

using Argument = FormatOperator::Argument;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

// X?Y: the field X, or Y when there is no X.
std::string PrepareNames(FormatArguments& arguments) {
  const std::string_view text = arguments.text;
  const size_t question = text.find('?');
  arguments.first = Lower(text.substr(0, question));
  if (question != std::string_view::npos) arguments.second = Lower(text.substr(question + 1));
  if (arguments.first.empty()) return "names no header";
  arguments.first_known = FindHeader(arguments.first);
  arguments.second_known = FindHeader(arguments.second);
  return {};
}

// A request has no field "host": it is :authority.
std::string PrepareRequestNames(FormatArguments& arguments) {
  std::string error = PrepareNames(arguments);
  if (arguments.first_known == Header::kHost) arguments.first_known = Header::kAuthority;
  if (arguments.second_known == Header::kHost) arguments.second_known = Header::kAuthority;
  return error;
}

std::string_view Field(const HeaderMap& headers, Header known, const std::string& name) {
  return known == Header::kUnknown ? headers.Get(name) : headers.Get(known);
}

void FromHeaders(const HeaderMap* headers, const FormatArguments& a, FormatValue& v) {
  if (headers == nullptr) return;
  std::string_view found = Field(*headers, a.first_known, a.first);
  if (found.data() == nullptr && !a.second.empty()) found = Field(*headers, a.second_known, a.second);
  if (found.data() != nullptr) SetText(v, found);
}

void Req(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.request, a, v);
}
void Resp(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.response, a, v);
}
void Trailer(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.trailers, a, v);
}

void ReqWithoutQuery(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.request, a, v);
  v.text = v.text.substr(0, v.text.find('?'));
}

// PATH(WQ|NQ:ORIG|PATH|ORIG_OR_PATH): with or without the query; of the original path (before a rewrite) or
// the present one.
enum PathOption { kNoQuery = 1, kOriginal = 2, kPresent = 4 };

std::string PreparePath(FormatArguments& arguments) {
  const std::string_view text = arguments.text;
  const size_t colon = text.find(':');
  const std::string_view query = text.substr(0, colon);
  const std::string_view which = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (query == "NQ") {
    arguments.option |= kNoQuery;
  } else if (!query.empty() && query != "WQ") {
    return "takes WQ or NQ, not \"" + std::string(query) + "\"";
  }
  if (which == "ORIG") {
    arguments.option |= kOriginal;
  } else if (which == "PATH") {
    arguments.option |= kPresent;
  } else if (!which.empty() && which != "ORIG_OR_PATH") {
    return "takes ORIG, PATH or ORIG_OR_PATH, not \"" + std::string(which) + "\"";
  }
  return {};
}

void Path(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (c.request == nullptr) return;
  std::string_view path;
  if ((a.option & kPresent) == 0) path = c.request->Get("x-envoy-original-path");
  if (path.data() == nullptr && (a.option & kOriginal) == 0) path = c.request->Get(Header::kPath);
  if (path.data() == nullptr) return;
  if ((a.option & kNoQuery) != 0) path = path.substr(0, path.find('?'));
  SetText(v, path);
}

void StreamId(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.request != nullptr) SetTextIfAny(v, c.request->Get(Header::kXRequestId));
}

// The trace id of https://www.w3.org/TR/trace-context: "00-" id "-" parent "-" flags.
void TraceId(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.request == nullptr) return;
  const std::string_view parent = c.request->Get("traceparent");
  if (parent.size() < 55 || parent[2] != '-' || parent[35] != '-' || parent[52] != '-') return;
  const std::string_view id = parent.substr(3, 32);
  if (id.find_first_not_of("0123456789abcdef") != std::string_view::npos) return;
  SetText(v, id);
}

enum GrpcOption { kCamel, kSnake, kNumber };

std::string PrepareGrpc(FormatArguments& arguments) {
  if (arguments.text == "SNAKE_STRING") {
    arguments.option = kSnake;
  } else if (arguments.text == "NUMBER") {
    arguments.option = kNumber;
  } else if (!arguments.text.empty() && arguments.text != "CAMEL_STRING") {
    return "takes CAMEL_STRING, SNAKE_STRING or NUMBER, not \"" + arguments.text + "\"";
  }
  return {};
}

void GrpcStatus(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (!IsGrpcRequest(c)) return;
  const std::optional<uint64_t> status = GrpcStatusOf(c);
  if (!status) return;
  const std::string_view name = a.option == kSnake ? GrpcStatusSnakeName(*status) : GrpcStatusName(*status);
  if (a.option == kNumber || name.empty()) return SetNumber(v, *status);
  SetText(v, name);
}

void GrpcStatusNumber(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (!IsGrpcRequest(c)) return;
  if (const std::optional<uint64_t> status = GrpcStatusOf(c)) SetNumber(v, *status);
}

void RequestHeadersBytes(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  SetNumber(v, c.request == nullptr ? 0 : c.request->ByteSize());
}
void ResponseHeadersBytes(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  SetNumber(v, c.response == nullptr ? 0 : c.response->ByteSize());
}
void ResponseTrailersBytes(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  SetNumber(v, c.trailers == nullptr ? 0 : c.trailers->ByteSize());
}

constexpr FormatOperator kOperators[] = {
    {"REQ", Req, Argument::kRequired, true, PrepareRequestNames},
    {"RESP", Resp, Argument::kRequired, true, PrepareNames},
    {"TRAILER", Trailer, Argument::kRequired, true, PrepareNames},
    {"REQ_WITHOUT_QUERY", ReqWithoutQuery, Argument::kRequired, true, PrepareRequestNames},
    {"PATH", Path, Argument::kOptional, true, PreparePath},
    {"STREAM_ID", StreamId},
    {"TRACE_ID", TraceId},
    {"GRPC_STATUS", GrpcStatus, Argument::kOptional, false, PrepareGrpc},
    {"GRPC_STATUS_NUMBER", GrpcStatusNumber},
    {"REQUEST_HEADERS_BYTES", RequestHeadersBytes},
    {"RESPONSE_HEADERS_BYTES", ResponseHeadersBytes},
    {"RESPONSE_TRAILERS_BYTES", ResponseTrailersBytes},
};

}  // namespace

std::span<const FormatOperator> HeaderOperators() {
  return kOperators;
}

}  // namespace narthex
