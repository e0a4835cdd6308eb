#include "source/http/http1_fields.h"

#include <array>

#include "source/http/byte_scan.h"

namespace narthex {
namespace {

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes = {};
  for (int c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const std::string_view marks = "!#$%&'*+-.^_`|~";
    const char ch = static_cast<char>(c);
    uint8_t bits = 0;
    if (digit || alpha || (c < 128 && c != 0 && marks.find(ch) != std::string_view::npos)) bits |= kToken;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= kFieldText;
    if (c > 0x20 && c < 0x7f && c != '#') bits |= kTarget;
    const std::string_view host_marks = "-._~!$&'()*+,;=:[]%";
    if (digit || alpha || (c < 128 && c != 0 && host_marks.find(ch) != std::string_view::npos))
      bits |= kHostChar;
    if ((bits & kHostChar) != 0 && ch != ':' && ch != '[' && ch != ']' && ch != '%') bits |= kPlainHost;
    classes[static_cast<size_t>(c)] = bits;
  }
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] | 0x20) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// protocol-name ["/" protocol-version] (RFC 9110 section 7.8).
bool IsProtocolName(std::string_view text) {
  const size_t slash = text.find('/');
  return AllOf(text.substr(0, slash), kToken) &&
         (slash == std::string_view::npos || AllOf(text.substr(slash + 1), kToken));
}

// Calls `each` with every member of a comma-separated list.
template <class F>
void ForEachMember(std::string_view list, F each) {
  while (true) {
    const size_t comma = list.find(',');
    const std::string_view member = TrimSpace(list.substr(0, comma));
    if (!member.empty()) each(member);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

// Fields that a Connection header may not take away: they say who is asked for what, and by whom.
bool IsProtected(Header known) {
  switch (known) {
    case Header::kHost:
    case Header::kContentLength:
    case Header::kContentType:
    case Header::kAuthorization:
    case Header::kCookie:
    case Header::kTe:  // reduced to what is meant for the other end
    case Header::kXForwardedFor:
    case Header::kXForwardedProto:
    case Header::kXForwardedHost:
    case Header::kXRequestId:
      return true;
    default:
      return false;
  }
}

class FieldSection {
 public:
  FieldSection(HeaderMap& headers, FieldFacts& facts) : headers_(headers), facts_(facts) {}

  std::optional<FieldError> Take(std::string_view name, std::string_view value) {
    const Header known = FindHeader(name);
    switch (known) {
      case Header::kHost:
        facts_.host = value;
        ++facts_.hosts;
        return std::nullopt;
      case Header::kContentLength:
        return TakeContentLength(value);
      case Header::kTransferEncoding:
        return TakeTransferEncoding(value);
      case Header::kConnection:
      case Header::kProxyConnection:
        TakeConnection(known, value);
        return std::nullopt;
      case Header::kKeepAlive:
        return std::nullopt;
      case Header::kUpgrade:
        facts_.upgrade = ++facts_.upgrades == 1 && IsProtocolName(value) ? value : std::string_view();
        return std::nullopt;
      case Header::kTe:
        // Only "trailers" means something beyond this hop (RFC 9110 section 10.1.4).
        ForEachMember(value, [&](std::string_view member) {
          if (EqualsIgnoreCase(member, "trailers")) headers_.Set(Header::kTe, "trailers");
        });
        return std::nullopt;
      case Header::kExpect:
        facts_.expect_continue =
            EqualsIgnoreCase(value, "100-continue") && (facts_.expect_continue || !facts_.expect);
        facts_.expect = true;
        return std::nullopt;
      default:
        headers_.AddView(known, name, value);
        return std::nullopt;
    }
  }

  void RemoveNominated() {
    for (size_t i = 0; i < nominated_count_; ++i) {
      ForEachMember(nominated_[i], [&](std::string_view member) {
        // Only a token can name a field. ":path" and its like are ours, and no client may take them away.
        if (!AllOf(member, kToken)) return;
        char shorter[64];
        char* lower = member.size() <= sizeof shorter ? shorter : headers_.Allocate(member.size());
        for (size_t c = 0; c < member.size(); ++c) {
          lower[c] = member[c] >= 'A' && member[c] <= 'Z' ? static_cast<char>(member[c] | 0x20) : member[c];
        }
        const std::string_view name(lower, member.size());
        if (!IsProtected(FindHeader(name))) headers_.Remove(name);
      });
    }
  }
  // Every option is looked for among all fields: a list as long as a head may be would cost milliseconds.
  bool too_many_connections() const {
    return nominated_count_ > nominated_.size() || options_ > kMaxConnectionOptions;
  }

 private:
  std::optional<FieldError> TakeContentLength(std::string_view value) {
    if (facts_.content_length) return FieldError{400, "http1.content_length_repeated"};
    facts_.content_length = ParseContentLength(value);
    if (!facts_.content_length) return FieldError{400, "http1.content_length_malformed"};
    headers_.AddView(Header::kContentLength, HeaderName(Header::kContentLength), value);
    return std::nullopt;
  }

  std::optional<FieldError> TakeTransferEncoding(std::string_view value) {
    if (facts_.has_transfer_encoding) return FieldError{400, "http1.transfer_encoding_repeated"};
    facts_.has_transfer_encoding = true;
    // The one coding that we can undo; another one, or a second, is not implemented (RFC 9112 section 6.1).
    if (!EqualsIgnoreCase(value, "chunked")) {
      return FieldError{value.find(',') == std::string_view::npos && !value.empty() ? 501 : 400,
                        "http1.transfer_encoding_unknown"};
    }
    facts_.chunked = true;
    return std::nullopt;
  }

  void TakeConnection(Header known, std::string_view value) {
    if (known != Header::kConnection) return;
    size_t others = 0;
    ForEachMember(value, [&](std::string_view member) {
      if (EqualsIgnoreCase(member, "close")) {
        facts_.connection_close = true;
      } else if (EqualsIgnoreCase(member, "keep-alive")) {
        facts_.connection_keep_alive = true;
      } else if (EqualsIgnoreCase(member, "upgrade")) {
        facts_.connection_upgrade = true;
      } else {
        ++others;
      }
    });
    if (others == 0) return;
    options_ += others;
    if (nominated_count_ < nominated_.size()) nominated_[nominated_count_] = value;
    ++nominated_count_;
  }

  static constexpr size_t kMaxConnectionOptions = 64;

  HeaderMap& headers_;
  FieldFacts& facts_;
  size_t options_ = 0;
  std::array<std::string_view, 4> nominated_;
  size_t nominated_count_ = 0;
};

}  // namespace

bool IsClass(char c, CharClass cls) {
  return (kClasses[static_cast<uint8_t>(c)] & cls) != 0;
}

bool AllOf(std::string_view text, CharClass cls) {
  for (const char c : text) {
    if (!IsClass(c, cls)) return false;
  }
  return true;
}

size_t FindEndOfHead(std::span<const char> bytes, size_t from) {
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  const char* at = begin + (from > 3 ? from - 3 : 0);
  while ((at = FindSecondLineFeed(at, end)) != end) {
    // Bare line feeds are refused by the line parser; here they only have to end the search.
    if (at[-1] == '\n' || at[-1] == '\r') return static_cast<size_t>(at - begin) + 1;
    // A line of one byte: this line feed is the first one of what may follow.
  }
  return 0;
}

std::optional<uint64_t> ParseContentLength(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

std::optional<FieldError> ParseFields(std::span<char> lines, uint32_t max_headers, HeaderMap& headers,
                                      FieldFacts& facts) {
  FieldSection section(headers, facts);
  char* at = lines.data();
  char* const end = at + lines.size();
  uint32_t count = 0;
  while (at < end) {
    if (++count > max_headers) return FieldError{431, "http1.too_many_headers"};
    char* const name = at;
    at = LowerUsualName(at, end);
    for (; at < end && IsClass(*at, kToken); ++at) {
      if (*at >= 'A' && *at <= 'Z') *at = static_cast<char>(*at | 0x20);
    }
    // A space before the colon, an empty name, a folded line and a control byte all end here.
    if (at == name || at == end || *at != ':') return FieldError{400, "http1.invalid_field_name"};
    const std::string_view field_name(name, static_cast<size_t>(at - name));
    char* value = ++at;
    at = FieldTextEnd(at, end);
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n') return FieldError{400, "http1.invalid_field_value"};
    const std::string_view field_value = TrimSpace({value, static_cast<size_t>(at - value)});
    at += 2;
    if (std::optional<FieldError> error = section.Take(field_name, field_value)) return error;
  }
  if (section.too_many_connections()) return FieldError{400, "http1.too_many_connection_fields"};
  section.RemoveNominated();
  return std::nullopt;
}

}  // namespace narthex
