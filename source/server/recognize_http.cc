#include "source/server/recognize_http.h"

#include <algorithm>

namespace narthex {

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// RFC 9110 section 5.6.2.
bool IsTokenCharacter(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kMarks.find(c) != std::string_view::npos;
}

bool IsVersion(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

// A line without a version is HTTP/0.9's.
SpokenHttp OfRequestLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t target = line.find(' ');
  if (target == std::string_view::npos || target + 1 == line.size()) return SpokenHttp::kNone;
  const size_t version = line.rfind(' ');
  if (version == target) return SpokenHttp::kHttp10;
  if (!IsVersion(line.substr(version + 1))) return SpokenHttp::kNone;
  return line.ends_with("HTTP/1.1") ? SpokenHttp::kHttp11 : SpokenHttp::kHttp10;
}

}  // namespace

SpokenHttp RecognizeHttp(std::string_view bytes) {
  if (kPreface.starts_with(bytes.substr(0, kPreface.size()))) {
    return bytes.size() < kPreface.size() ? SpokenHttp::kNeedMore : SpokenHttp::kHttp2;
  }
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  const std::string_view method = line.substr(0, line.find(' '));
  const bool whole = line.size() < bytes.size();
  // What is no method can be refused before the line has ended.
  if (method.empty() || !std::all_of(method.begin(), method.end(), IsTokenCharacter)) {
    return SpokenHttp::kNone;
  }
  return whole ? OfRequestLine(line) : SpokenHttp::kNeedMore;
}

}  // namespace narthex
