#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "source/http/header_map.h"

namespace narthex {

// What is wrong with a field section. Without a status the message is malformed (RFC 9113 section 8.1.1), and
// its stream has to be reset; otherwise it is well-formed, and that is the answer to it.
struct Http2FieldError {
  int status = 0;
  const char* detail = nullptr;  // response code detail, Envoy's where it has one
  const char* cause = nullptr;   // in words
};

struct Http2FieldLimits {
  size_t bytes = 60 * 1024;  // names, values and 32 a field, as RFC 9113 section 10.5.1 counts
  uint32_t fields = 100;
  bool allow_connect = false;
};

// Reads one field section as HPACK yields it, strictly by RFC 9113 section 8 and RFC 8441, and makes of it
// the header map that HTTP/1's parser would make. What exceeds the limits is dropped at once and remembered,
// so that the section can be decoded to its end at no cost in memory. Loop-confined.
class Http2FieldReader {
 public:
  enum class Kind : uint8_t { kRequest, kResponse, kTrailers };

  Http2FieldReader() = default;
  Http2FieldReader(Kind kind, const Http2FieldLimits& limits) : kind_(kind), limits_(limits) {}

  void Add(std::string_view name, std::string_view value);
  // The section is over. Null when it is good.
  const Http2FieldError* Finish();

  // Malformed, and beyond the limits as well: whoever sends that sends it for the work that it makes, and the
  // rest need not be decoded for a connection that ends here.
  bool hopeless() const { return too_large_ && error_.detail != nullptr; }

  // What was read; complete after Finish. Of a request without `:scheme` and `host`: whether the client's
  // hop was secure is not for it to say.
  HeaderMap headers;
  // Of names and values, before compression.
  size_t bytes() const { return bytes_ - count_ * kOverhead; }
  std::optional<uint64_t> content_length() const { return content_length_; }
  // The client waits for 100 Continue.
  bool expects_continue() const { return expects_continue_; }

 private:
  static constexpr size_t kOverhead = 32;  // of a field, for the limit

  void TakePseudo(std::string_view name, std::string_view value);
  bool TakeRequestPseudo(std::string_view name, std::string_view value);
  void TakeField(std::string_view name, std::string_view value);
  bool TakeSpecial(Header known, std::string_view value);
  void TakeHost(std::string_view value);
  void TakeContentLength(std::string_view value);
  void TakeExpect(std::string_view value);
  void CheckRequest();
  void CheckConnect();
  void CheckTarget();
  void JoinCookies();
  void Store(Header known, std::string_view name, std::string_view value);
  bool Malformed(const char* detail, const char* cause) { return Refuse({0, detail, cause}); }
  bool Refuse(const Http2FieldError& error) {
    if (error_.detail == nullptr) error_ = error;
    return false;
  }

  Kind kind_ = Kind::kRequest;
  Http2FieldLimits limits_;
  Http2FieldError error_;
  size_t bytes_ = 0;
  uint32_t count_ = 0;
  uint32_t cookies_ = 0;
  std::optional<uint64_t> content_length_;
  std::string_view host_;
  std::string_view scheme_;
  bool fields_begun_ = false;  // a field that is no pseudo-header was seen
  bool too_large_ = false;
  bool unknown_expectation_ = false;
  bool expects_continue_ = false;
};

inline constexpr const char* kHttp2InvalidField = "http2.invalid.header.field";
inline constexpr const char* kHttp2Messaging = "http2.violation.of.messaging.rule";

}  // namespace narthex
