#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/config/rules.h"

namespace narthex {
namespace {

using Form = TextRules::Form;

bool IsHex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
bool IsAlnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

size_t CharactersOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool IsIp(int family, std::string_view text) {
  unsigned char address[sizeof(in6_addr)];
  return text.find('\0') == std::string_view::npos &&
         inet_pton(family, std::string(text).c_str(), address) == 1;
}

// RFC 1034 section 3.5, with digits allowed first (RFC 1123 section 2.1).
bool IsHostname(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  size_t start = 0;
  while (start <= text.size()) {
    size_t end = std::min(text.find('.', start), text.size());
    std::string_view label = text.substr(start, end - start);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return IsAlnum(c) || c == '-'; })) return false;
    start = end + 1;
  }
  return true;
}

bool IsEmail(std::string_view text) {
  size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  std::string_view local = text.substr(0, at);
  bool printable = std::all_of(local.begin(), local.end(), [](char c) {
    return std::isgraph(static_cast<unsigned char>(c)) &&
           std::string_view("()<>[]:;@\\,\"").find(c) == std::string_view::npos;
  });
  return printable && IsHostname(text.substr(at + 1));
}

// RFC 3986: only characters that may stand in a URI, and whole percent escapes.
bool IsUriReference(std::string_view text) {
  constexpr std::string_view kAllowed = "-._~:/?#[]@!$&'()*+,;=";
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
    } else if (!IsAlnum(text[i]) && kAllowed.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool IsUri(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !std::isalpha(static_cast<unsigned char>(text[0])))
    return false;
  std::string_view scheme = text.substr(0, colon);
  bool named = std::all_of(scheme.begin(), scheme.end(),
                           [](char c) { return IsAlnum(c) || c == '+' || c == '-' || c == '.'; });
  return named && IsUriReference(text);
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsHeaderName(bool strict, std::string_view text) {
  constexpr std::string_view kToken = "!#$%&'*+-.^_|~`";  // RFC 9110 section 5.6.2
  // As Envoy's rule: a name that is not strict may be empty, which is how proto3 says that it is unset.
  if (!strict) return text.find_first_of(std::string_view("\0\n\r", 3)) == std::string_view::npos;
  if (text.starts_with(':')) text.remove_prefix(1);  // an HTTP/2 pseudo-header
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return IsAlnum(c) || kToken.find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(bool strict, std::string_view text) {
  if (!strict) return text.find_first_of(std::string_view("\0\n\r", 3)) == std::string_view::npos;
  return std::all_of(text.begin(), text.end(), [](char c) {
    unsigned char byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view NameOf(Form form) {
  switch (form) {
    case Form::kEmail:
      return "an e-mail address";
    case Form::kHostname:
      return "a host name";
    case Form::kIp:
      return "an IP address";
    case Form::kIpv4:
      return "an IPv4 address";
    case Form::kIpv6:
      return "an IPv6 address";
    case Form::kUri:
      return "an absolute URI";
    case Form::kUriRef:
      return "a URI or a relative reference";
    case Form::kAddress:
      return "a host name or an IP address";
    case Form::kUuid:
      return "a UUID";
    case Form::kHeaderName:
      return "an HTTP header name";
    case Form::kHeaderValue:
      return "an HTTP header value";
    case Form::kNone:
      break;
  }
  return "text";
}

// An address in a bytes field is in network order.
bool HasBytesForm(Form form, size_t size) {
  if (form == Form::kIpv4) return size == 4;
  if (form == Form::kIpv6) return size == 16;
  return size == 4 || size == 16;
}

std::string LengthRule(const TextRules& rules, const std::string& value) {
  std::string_view unit = rules.is_bytes ? "byte" : "character";
  auto say = [](std::string_view how, uint64_t count, std::string_view what, uint64_t found) {
    return absl::StrCat("must be ", std::string(how), count, " ", std::string(what), count == 1 ? "" : "s",
                        " long, is ", found);
  };
  size_t length = rules.is_bytes ? value.size() : CharactersOf(value);
  if (rules.length && length != *rules.length) return say("", *rules.length, unit, length);
  if (rules.min_length == 1 && length == 0) return "must not be empty";
  if (rules.min_length && length < *rules.min_length)
    return say("at least ", *rules.min_length, unit, length);
  if (rules.max_length && length > *rules.max_length) return say("at most ", *rules.max_length, unit, length);
  if (rules.bytes && value.size() != *rules.bytes) return say("", *rules.bytes, "byte", value.size());
  if (rules.min_bytes == 1 && value.empty()) return "must not be empty";
  if (rules.min_bytes && value.size() < *rules.min_bytes)
    return say("at least ", *rules.min_bytes, "byte", value.size());
  if (rules.max_bytes && value.size() > *rules.max_bytes)
    return say("at most ", *rules.max_bytes, "byte", value.size());
  return {};
}

}  // namespace

bool HasForm(Form form, bool strict, std::string_view value) {
  switch (form) {
    case Form::kNone:
      return true;
    case Form::kEmail:
      return IsEmail(value);
    case Form::kHostname:
      return IsHostname(value);
    case Form::kIp:
      return IsIp(AF_INET, value) || IsIp(AF_INET6, value);
    case Form::kIpv4:
      return IsIp(AF_INET, value);
    case Form::kIpv6:
      return IsIp(AF_INET6, value);
    case Form::kUri:
      return IsUri(value);
    case Form::kUriRef:
      return IsUriReference(value);
    case Form::kAddress:
      return IsHostname(value) || IsIp(AF_INET, value) || IsIp(AF_INET6, value);
    case Form::kUuid:
      return IsUuid(value);
    case Form::kHeaderName:
      return IsHeaderName(strict, value);
    case Form::kHeaderValue:
      return IsHeaderValue(strict, value);
  }
  return true;
}

std::string BrokenRule(const TextRules& rules, const std::string& value) {
  if (rules.ignore_empty && value.empty()) return {};
  std::string broken = LengthRule(rules, value);
  if (!broken.empty()) return broken;
  auto contains = [](const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  if (rules.equal && value != *rules.equal) return absl::StrCat("must be \"", *rules.equal, "\"");
  if (rules.prefix && !value.starts_with(*rules.prefix))
    return absl::StrCat("must begin with \"", *rules.prefix, "\"");
  if (rules.suffix && !value.ends_with(*rules.suffix))
    return absl::StrCat("must end with \"", *rules.suffix, "\"");
  if (rules.contains && value.find(*rules.contains) == std::string::npos) {
    return absl::StrCat("must contain \"", *rules.contains, "\"");
  }
  if (rules.not_contains && value.find(*rules.not_contains) != std::string::npos) {
    return absl::StrCat("must not contain \"", *rules.not_contains, "\"");
  }
  if (rules.pattern != nullptr && !re2::RE2::PartialMatch(value, *rules.pattern)) {
    return absl::StrCat("must match ", rules.pattern->pattern());
  }
  if (!rules.in.empty() && !contains(rules.in, value))
    return absl::StrCat("must be one of ", absl::StrJoin(rules.in, ", "));
  if (contains(rules.not_in, value)) return absl::StrCat("must not be \"", value, "\"");
  bool formed = rules.is_bytes && rules.form != Form::kNone ? HasBytesForm(rules.form, value.size())
                                                            : HasForm(rules.form, rules.strict, value);
  return formed ? std::string() : absl::StrCat("must be ", std::string(NameOf(rules.form)));
}

}  // namespace narthex
