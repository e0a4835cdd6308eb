#include "test/bench/response_reader.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace narthex {
namespace {

constexpr size_t kMaxHead = 16 * 1024;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kContentLength = "content-length:";

// The value of content-length in the header lines, or npos.
size_t FindContentLength(std::string_view lines) {
  while (!lines.empty()) {
    size_t end = lines.find(kLineEnd);
    std::string_view line = lines.substr(0, end);
    if (line.size() > kContentLength.size() &&
        strncasecmp(line.data(), kContentLength.data(), kContentLength.size()) == 0) {
      std::string_view value = line.substr(kContentLength.size());
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      size_t length = 0;
      auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), length);
      return error == std::errc() && rest == value.data() + value.size() ? length : std::string_view::npos;
    }
    lines.remove_prefix(end + kLineEnd.size());
  }
  return std::string_view::npos;
}

}  // namespace

ResponseReader::State ResponseReader::Consume(std::string_view bytes) {
  return in_body_ ? ConsumeBody(bytes.size()) : ConsumeHead(bytes);
}

void ResponseReader::Reset() {
  in_body_ = false;
  head_.clear();
}

ResponseReader::State ResponseReader::ConsumeHead(std::string_view bytes) {
  head_.append(bytes);  // keeps its capacity from response to response
  size_t end = head_.find(kHeadEnd);
  if (end == std::string::npos) return head_.size() > kMaxHead ? State::kBad : State::kIncomplete;
  size_t body_bytes = head_.size() - end - kHeadEnd.size();
  head_.resize(end + kLineEnd.size());
  bool good = HeadIsGood();
  head_.clear();
  if (!good) return State::kBad;
  in_body_ = true;
  body_left_ = expected_body_;
  return ConsumeBody(body_bytes);
}

ResponseReader::State ResponseReader::ConsumeBody(size_t size) {
  if (size > body_left_) return State::kBad;
  body_left_ -= size;
  if (body_left_ > 0) return State::kIncomplete;
  in_body_ = false;
  return State::kComplete;
}

bool ResponseReader::HeadIsGood() const {
  std::string_view head = head_;
  return head.starts_with("HTTP/1.1 200") && FindContentLength(head) == expected_body_;
}

}  // namespace narthex
