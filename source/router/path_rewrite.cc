#include "source/router/path_rewrite.h"

#include <algorithm>

#include "source/http/byte_scan.h"
#include "source/router/compiled_route.h"

namespace narthex {

bool IsForwardablePath(std::string_view path) {
  return path.starts_with('/') && !HasSpaceOrControl(path);
}

size_t PathLength(std::string_view path) {
  return std::min(path.find_first_of("?#"), path.size());
}

size_t MatchedLength(std::string_view path, const CompiledRoute& route) {
  size_t length = PathLength(path);
  bool prefix = route.path_kind == CompiledRoute::PathKind::kPrefix ||
                route.path_kind == CompiledRoute::PathKind::kSegments;
  return prefix ? std::min(route.path.size(), length) : length;
}

std::string PathRewrite::Rewrite(std::string_view path, const CompiledRoute& route) const {
  if (kind == Kind::kPrefix) {
    std::string result = text;
    result += path.substr(MatchedLength(path, route));
    return result;
  }
  size_t length = PathLength(path);
  std::string result = regex->ReplaceAll(path.substr(0, length), text);
  if (!result.empty()) result += path.substr(length);
  return result;
}

std::string HostRewrite::Rewrite(const HeaderMap& headers) const {
  switch (kind) {
    case Kind::kNone:
      break;
    case Kind::kLiteral:
      return text;
    case Kind::kHeader:
      return std::string(headers.Get(text));
    case Kind::kPathRegex: {
      std::string_view path = headers.Get(Header::kPath);
      return regex->ReplaceAll(path.substr(0, PathLength(path)), text);
    }
  }
  return "";
}

}  // namespace narthex
