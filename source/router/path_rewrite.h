#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/http/header_map.h"
#include "source/router/matchers.h"

namespace narthex {

struct CompiledRoute;

// How a route changes the path on its way upstream; the query stays. Immutable, thread-safe.
struct PathRewrite {
  enum class Kind : uint8_t { kNone, kPrefix, kRegex };
  Kind kind = Kind::kNone;
  std::string text;  // the new prefix, or the substitution
  std::shared_ptr<const Regex> regex;

  // The new path with its query; empty when nothing is left of it: then it stays as it is. It may be no path:
  // see IsForwardablePath. REQUIRES: kind is not kNone.
  std::string Rewrite(std::string_view path, const CompiledRoute& route) const;
};

// How a route changes the host. auto_host_rewrite is not here: the cluster does it once a host is chosen.
struct HostRewrite {
  enum class Kind : uint8_t { kNone, kLiteral, kHeader, kPathRegex };
  Kind kind = Kind::kNone;
  std::string text;  // the host, the header's name in lower case, or the substitution
  std::shared_ptr<const Regex> regex;

  // The new host; empty when there is none (the header is missing): then it stays as it is.
  std::string Rewrite(const HeaderMap& headers) const;
};

// Whether a rewritten path can be asked for. One without a slash in front could be a URL, of another host
// even.
bool IsForwardablePath(std::string_view path);

// The length of the path in front of the query and the fragment.
size_t PathLength(std::string_view path);
// How much of the path a prefix_rewrite replaces: what the route's prefix covered; all of it for path and
// safe_regex.
size_t MatchedLength(std::string_view path, const CompiledRoute& route);

}  // namespace narthex
