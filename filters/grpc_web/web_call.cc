#include "filters/grpc_web/web_call.h"

#include <algorithm>
#include <string>

#include "source/base/ascii.h"
#include "source/router/grpc_method_stats.h"
#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

constexpr std::string_view kGrpc = "application/grpc";
constexpr std::string_view kProto = "proto";

// A media type of gRPC-Web, taken apart.
struct WebType {
  bool text = false;
  std::string_view suffix = kProto;
};

// `prefix` is in lower case.
bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!EqualsLower(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// RFC 6838 section 4.2, without what only registrations use: it is copied into other headers.
bool IsSuffix(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::optional<WebType> ParseWebType(std::string_view type) {
  type = Trim(type.substr(0, type.find(';')));
  WebType parsed;
  if (!TakePrefix(type, "application/grpc-web")) return std::nullopt;
  parsed.text = TakePrefix(type, "-text");
  if (type.empty()) return parsed;
  if (type.front() != '+' || !IsSuffix(type.substr(1))) return std::nullopt;
  if (!EqualsLower(type.substr(1), kProto)) parsed.suffix = type.substr(1);
  return parsed;
}

// The first type of gRPC-Web that the client accepts says in which form it reads the response; who names none
// gets bytes, also for a text.
bool AcceptsText(std::string_view accept) {
  while (!accept.empty()) {
    const size_t comma = std::min(accept.find(','), accept.size());
    if (const auto type = ParseWebType(accept.substr(0, comma))) return type->text;
    accept.remove_prefix(std::min(comma + 1, accept.size()));
  }
  return false;
}

std::string_view Keep(std::string_view start, std::string_view suffix, HeaderMap& storage) {
  char* copy = storage.Allocate(start.size() + 1 + suffix.size());
  char* end = std::copy(start.begin(), start.end(), copy);
  *end++ = '+';
  end = std::copy(suffix.begin(), suffix.end(), end);
  return {copy, static_cast<size_t>(end - copy)};
}

}  // namespace

std::optional<WebCall> WebCall::Of(const HeaderMap& request) {
  const std::optional<WebType> type = ParseWebType(request.Get(Header::kContentType));
  if (!type) return std::nullopt;
  return WebCall{type->text, AcceptsText(request.Joined(Header::kAccept)), type->suffix};
}

std::string_view WebCall::GrpcType(HeaderMap& storage) const {
  return suffix == kProto ? kGrpc : Keep(kGrpc, suffix, storage);
}

std::string_view WebCall::ResponseType(HeaderMap& storage) const {
  const std::string_view start = text_response ? "application/grpc-web-text" : "application/grpc-web";
  if (suffix != kProto) return Keep(start, suffix, storage);
  return text_response ? "application/grpc-web-text+proto" : "application/grpc-web+proto";
}

void WebOutcome::Count(const HeaderMap& fields) const {
  const std::string_view text = fields.Get(Header::kGrpcStatus);
  if (text.data() == nullptr) return;
  const std::optional<uint64_t> status = ParseGrpcStatus(text);
  if (!status) return;
  const std::string name = GrpcMethodStats::NameOf("grpc-web", GrpcMethod::OfPath(path_));
  const GrpcMethodStats* stats =
      GrpcMethodStats::Of(ClusterStatName(*exchange_), name, GrpcMethodStats::MakesKnown(*status));
  if (stats != nullptr) stats->Count(*status);
}

}  // namespace narthex
