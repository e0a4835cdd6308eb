#include "source/base/escape.h"

#include <cstddef>
#include <cstdint>

namespace narthex {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool IsContinuation(unsigned char c) {
  return (c & 0xc0) == 0x80;
}

// The length of the UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF). REQUIRES: not empty.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(byte(i))) return 0;
  }
  const unsigned char second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

// Bytes that need no escape in either form.
bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

void AppendHex(std::string& out, std::string_view before, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += before;
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

// The letter of a short escape, or 0.
char ShortEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

// Copies plain bytes and whole UTF-8 sequences; hands other single bytes to `escape`.
template <class Escape>
void AppendWith(std::string& out, std::string_view text, Escape escape) {
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain])) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const size_t length = SequenceLength(text);
    if (const char letter = ShortEscape(text[0])) {
      out += '\\';
      out += letter;
    } else if (length > 1 && !(text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0)) {
      out += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    } else {
      escape(out, text[0], length);
      // The rest of a C1 control: it is one character of two bytes.
      if (length == 2) text.remove_prefix(1), escape(out, text[0], 0);
    }
    text.remove_prefix(1);
  }
}

}  // namespace

void AppendJsonEscaped(std::string& out, std::string_view text) {
  AppendWith(out, text, [](std::string& to, char c, size_t length) {
    if (length == 1) {
      AppendHex(to, "\\u00", c);
    } else if (length == 0) {
      to += "\xef\xbf\xbd";
    }
  });
}

void AppendLogEscaped(std::string& out, std::string_view text) {
  AppendWith(out, text, [](std::string& to, char c, size_t) { AppendHex(to, "\\x", c); });
}

}  // namespace narthex
