#pragma once

#include <string>
#include <string_view>

namespace narthex {

// What to do with a path that holds %2F or %5C (a slash or backslash in disguise).
enum class EscapedSlashes {
  kKeep,
  kReject,    // 400
  kRedirect,  // 307 to the path with real slashes
  kForward,   // go on with real slashes
};

// How the path of a request is made safe before anything looks at it.
struct PathPolicy {
  bool normalize = false;      // RFC 3986 section 6.2.2, and backslashes as slashes
  bool merge_slashes = false;  // "//" as "/"
  EscapedSlashes escaped_slashes = EscapedSlashes::kKeep;
};

enum class PathVerdict {
  kUnchanged,
  kChanged,   // go on with `out`
  kRedirect,  // send the client to `out`
  kRefused,   // 400 path_normalization_failed
};

// Applies `policy` to `path` (with its query, which is left as it is). `out` is written for kChanged and
// kRedirect only, and nothing is allocated for a path that is normal already. A '#' is always refused; with
// normalize, so are control characters, written plainly or as an escape of NUL. Idempotent: applied to its
// own outcome it changes nothing. A target that is no path ("*", an authority) is left alone.
PathVerdict NormalizePath(const PathPolicy& policy, std::string_view path, std::string& out);

}  // namespace narthex
