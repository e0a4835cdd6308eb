// Reads one HTTP/1.1 response after another from a connection and checks each against what the benchmark
// expects.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace narthex {

// Loop-confined. It trusts nothing: another status than 200, a missing or different content-length, or bytes
// after the body make the response a bad one.
class ResponseReader {
 public:
  enum class State { kIncomplete, kComplete, kBad };

  explicit ResponseReader(size_t expected_body) : expected_body_(expected_body) {}

  // Takes the next bytes of the connection. After kComplete the next response may begin; after kBad the
  // connection is of no more use, and the reader needs Reset() for another one.
  State Consume(std::string_view bytes);

  void Reset();

 private:
  State ConsumeHead(std::string_view bytes);
  State ConsumeBody(size_t size);
  bool HeadIsGood() const;

  size_t expected_body_;
  size_t body_left_ = 0;
  bool in_body_ = false;
  std::string head_;
};

}  // namespace narthex
