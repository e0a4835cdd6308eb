#include "source/manager/path_normalization.h"

#include <algorithm>

namespace narthex {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that the escape at the start of `text` stands for; -1 when there is no well-formed one.
int DecodeEscape(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  int high = HexValue(text[1]);
  int low = HexValue(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool IsControl(int c) {
  return c < 0x20 || c == 0x7f;
}

// Whether a hex digit at the end of `out` would complete an escape whose percent sign is a stray one.
// Decoding there would make an escape out of parts ("%2%66" as "%2f"), which the next hop would decode in its
// turn.
bool WouldCompleteEscape(std::string_view out) {
  size_t n = out.size();
  if (n >= 1 && out[n - 1] == '%') return true;
  if (n < 2 || out[n - 2] != '%') return false;
  return HexValue(out[n - 1]) >= 0;
}

// Bytes that stand in no URI (RFC 3986 appendix A), yet browsers send them.
bool IsUnsafe(char c) {
  switch (c) {
    case '"':
    case '<':
    case '>':
    case '^':
    case '`':
    case '{':
    case '|':
    case '}':
      return true;
    default:
      return false;
  }
}

void AppendEscapedIfUnsafe(char c, std::string& out) {
  if (!IsUnsafe(c)) {
    out += c;
    return;
  }
  constexpr char kDigits[] = "0123456789ABCDEF";
  out += '%';
  out += kDigits[static_cast<unsigned char>(c) / 16];
  out += kDigits[static_cast<unsigned char>(c) % 16];
}

enum class Unescaped { kNone, kSome };

Unescaped UnescapeSlashes(std::string_view path, std::string& out) {
  Unescaped found = Unescaped::kNone;
  for (size_t i = 0; i < path.size(); ++i) {
    int byte = DecodeEscape(path.substr(i));
    if (byte == '/' || byte == '\\') {
      out += static_cast<char>(byte);
      found = Unescaped::kSome;
      i += 2;
    } else {
      out += path[i];
    }
  }
  return found;
}

// Escapes of unreserved characters become these, the others stay as they are; backslashes become slashes.
// False for what no path may hold.
bool NormalizeEscapes(std::string_view path, std::string& out) {
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (IsControl(static_cast<unsigned char>(c))) return false;
    if (c == '\\') c = '/';
    int byte = DecodeEscape(path.substr(i));
    if (byte < 0) {
      AppendEscapedIfUnsafe(c, out);
      continue;
    }
    if (byte == 0) return false;
    char decoded = static_cast<char>(byte);
    if (IsUnreserved(decoded) && !(HexValue(decoded) >= 0 && WouldCompleteEscape(out))) {
      out += decoded;
    } else {
      out.append(path.substr(i, 3));
    }
    i += 2;
  }
  return true;
}

// RFC 3986 section 5.2.4; an empty segment is a segment. A dot segment with parameters ("..;a=b") is one too:
// servers that take parameters off a segment before they walk the path would otherwise see another path than
// the routes do.
void RemoveDotSegments(std::string_view path, std::string& out) {
  size_t at = 0;
  while (at < path.size()) {
    size_t end = std::min(path.find('/', at + 1), path.size());
    std::string_view segment = path.substr(at + 1, end - at - 1);
    segment = segment.substr(0, segment.find(';'));
    bool last = end == path.size();
    if (segment == ".") {
      if (last) out += '/';
    } else if (segment == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
      if (last) out += '/';
    } else {
      out.append(path.substr(at, end - at));
    }
    at = end;
  }
  if (out.empty()) out = "/";
}

void MergeSlashes(std::string& path) {
  auto both_slashes = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), both_slashes), path.end());
}

// Whether the policy has nothing to do with these bytes: the usual case, without a copy.
bool IsPlain(const PathPolicy& policy, std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%' || c == '\\' || IsControl(static_cast<unsigned char>(c)) ||
        (policy.normalize && IsUnsafe(c)))
      return false;
    if (c != '/' || i + 1 == path.size()) continue;
    if (path[i + 1] == '.' && policy.normalize) return false;
    if (path[i + 1] == '/' && policy.merge_slashes) return false;
  }
  return true;
}

}  // namespace

PathVerdict NormalizePath(const PathPolicy& policy, std::string_view target, std::string& out) {
  if (target.find('#') != std::string_view::npos) return PathVerdict::kRefused;
  if (target.empty() || target[0] != '/') return PathVerdict::kUnchanged;
  size_t query = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, query);
  if (IsPlain(policy, path)) return PathVerdict::kUnchanged;

  std::string work(path);
  bool redirect = false;
  if (policy.escaped_slashes != EscapedSlashes::kKeep) {
    std::string unescaped;
    if (UnescapeSlashes(work, unescaped) == Unescaped::kSome) {
      if (policy.escaped_slashes == EscapedSlashes::kReject) return PathVerdict::kRefused;
      redirect = policy.escaped_slashes == EscapedSlashes::kRedirect;
      work = std::move(unescaped);
    }
  }
  if (policy.normalize) {
    std::string escapes;
    if (!NormalizeEscapes(work, escapes)) return PathVerdict::kRefused;
    work.clear();
    RemoveDotSegments(escapes, work);
  }
  if (policy.merge_slashes) MergeSlashes(work);
  // "//host" and "/\\host" in a Location name another host.
  if (redirect) work.replace(0, std::min(work.find_first_not_of("/\\"), work.size()), "/");
  if (work == path) return PathVerdict::kUnchanged;
  work.append(target.substr(query));
  out = std::move(work);
  return redirect ? PathVerdict::kRedirect : PathVerdict::kChanged;
}

}  // namespace narthex
