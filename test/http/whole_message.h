#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/http/http1_parser.h"

namespace narthex {

// What bytes mean when they are read in one piece: the oracle for connections that get them in many.
struct WholeMessage {
  enum class State : uint8_t { kIncomplete, kComplete, kRefused };
  State state = State::kIncomplete;
  int status = 0;        // of a response
  std::string start;     // of a request: method, authority and path
  std::string fields;    // "name: value\n" without pseudo-headers and framing
  std::string body;      // as far as it came
  std::string trailers;  // as fields
  size_t head_size = 0;  // 0: the head is not whole
  size_t size = 0;       // of a complete message
  bool keep_alive = true;
  bool http_10 = false;
  Framing framing;

  bool complete() const { return state == State::kComplete; }
  // Whether both say the same, beyond how they are framed.
  bool SameAs(const WholeMessage& other) const;
};

WholeMessage ReadWholeRequest(std::string_view bytes, Http1Limits limits = {});
// `to_head`: it answers a HEAD request. `ended`: nothing comes behind `bytes`, which can end a body. 1xx
// responses are messages of their own.
WholeMessage ReadWholeResponse(std::string_view bytes, bool to_head, bool ended, Http1Limits limits = {});

// "name: value\n" for each field but pseudo-headers and content-length.
std::string FieldsOf(const HeaderMap& headers);

}  // namespace narthex
