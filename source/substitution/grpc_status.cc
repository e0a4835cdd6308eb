#include "source/substitution/grpc_status.h"

#include <array>
#include <charconv>

namespace narthex {
namespace {

struct Names {
  std::string_view camel;
  std::string_view snake;
};

// In the order of the numbers. Envoy spells "Canceled" with one l.
constexpr std::array<Names, 17> kNames = {{
    {"OK", "OK"},
    {"Canceled", "CANCELLED"},
    {"Unknown", "UNKNOWN"},
    {"InvalidArgument", "INVALID_ARGUMENT"},
    {"DeadlineExceeded", "DEADLINE_EXCEEDED"},
    {"NotFound", "NOT_FOUND"},
    {"AlreadyExists", "ALREADY_EXISTS"},
    {"PermissionDenied", "PERMISSION_DENIED"},
    {"ResourceExhausted", "RESOURCE_EXHAUSTED"},
    {"FailedPrecondition", "FAILED_PRECONDITION"},
    {"Aborted", "ABORTED"},
    {"OutOfRange", "OUT_OF_RANGE"},
    {"Unimplemented", "UNIMPLEMENTED"},
    {"Internal", "INTERNAL"},
    {"Unavailable", "UNAVAILABLE"},
    {"DataLoss", "DATA_LOSS"},
    {"Unauthenticated", "UNAUTHENTICATED"},
}};

}  // namespace

// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
uint64_t GrpcStatusOfHttp(int status) {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

std::optional<uint64_t> ParseGrpcStatus(std::string_view text) {
  uint64_t status = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), status);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return status;
}

std::optional<uint64_t> GrpcStatusOf(const FormatContext& context) {
  std::string_view text;
  if (context.trailers != nullptr) text = context.trailers->Get(Header::kGrpcStatus);
  if (text.data() == nullptr && context.exchange != nullptr && context.exchange->grpc_status) {
    return context.exchange->grpc_status;
  }
  if (text.data() == nullptr && context.response != nullptr)
    text = context.response->Get(Header::kGrpcStatus);
  if (text.data() != nullptr) return ParseGrpcStatus(text);
  if (context.exchange == nullptr || context.exchange->response_status == 0) return std::nullopt;
  return GrpcStatusOfHttp(context.exchange->response_status);
}

bool IsGrpcRequest(const FormatContext& context) {
  if (context.request == nullptr) return false;
  constexpr std::string_view kType = "application/grpc";
  const std::string_view type = context.request->Get(Header::kContentType);
  return type.starts_with(kType) && (type.size() == kType.size() || type[kType.size()] == '+');
}

// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: all but the printable, and the percent
// sign. Envoy escapes the tilde, too.
std::string EncodeGrpcMessage(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (c >= ' ' && c < '~' && c != '%') {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 15];
  }
  return encoded;
}

std::string_view GrpcStatusName(uint64_t status) {
  return status < kNames.size() ? kNames[status].camel : std::string_view();
}

std::string_view GrpcStatusSnakeName(uint64_t status) {
  return status < kNames.size() ? kNames[status].snake : std::string_view();
}

}  // namespace narthex
