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

enum class Quotes { kEscape, kKeep };

// Bytes that need no escape.
template <Quotes quotes>
bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && (quotes == Quotes::kKeep || (c != '"' && c != '\\'));
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

// A control character of two bytes, U+0080 to U+009F: some terminals obey them.
bool IsC1Control(std::string_view sequence) {
  return sequence.size() == 2 && sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

// Copies plain bytes and printable UTF-8 sequences; hands control characters, and bytes that aren't UTF-8
// (with valid = false), to `escape`.
template <Quotes quotes, class Escape>
void AppendWith(std::string& out, std::string_view text, Escape escape) {
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain<quotes>(text[plain])) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const size_t length = SequenceLength(text);
    const std::string_view unit = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(unit.size());
    if (const char letter = ShortEscape(unit[0])) {
      out += '\\';
      out += letter;
    } else if (length > 1 && !IsC1Control(unit)) {
      out += unit;
    } else {
      escape(out, unit, length > 0);
    }
  }
}

void AppendHexBytes(std::string& out, std::string_view unit, bool) {
  for (const char c : unit) AppendHex(out, "\\x", c);
}

}  // namespace

void AppendJsonEscaped(std::string& out, std::string_view text) {
  AppendWith<Quotes::kEscape>(out, text, [](std::string& to, std::string_view unit, bool valid) {
    if (valid) {
      // A C1 control's code point is its last byte.
      AppendHex(to, "\\u00", unit.back());
    } else {
      to += "\xef\xbf\xbd";
    }
  });
}

void AppendLogEscaped(std::string& out, std::string_view text) {
  AppendWith<Quotes::kEscape>(out, text, AppendHexBytes);
}

void AppendControlEscaped(std::string& out, std::string_view text) {
  AppendWith<Quotes::kKeep>(out, text, AppendHexBytes);
}

}  // namespace narthex
