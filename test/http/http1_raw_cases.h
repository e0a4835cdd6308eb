#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace narthex {

// What must become of raw bytes. Written against RFC 9110 and 9112, not against the code: the same table runs
// against the parser and decoder alone and against whole connections, in one piece and byte by byte.
enum class RawVerdict : uint8_t { kAccepted, kRefused, kIncomplete };

// One request as a client may send it.
struct RawRequest {
  std::string name;
  std::string bytes;
  RawVerdict verdict = RawVerdict::kRefused;
  int status = 400;  // of a refusal
  // What an accepted request means; `fields` is "name: value\n" for each field that is passed on, in order.
  std::string method = {}, authority = {}, path = {}, fields = {}, body = {}, trailers = {};
  // The refusal lies in the body: its head is accepted.
  bool bad_body = false;
};

// One response as an upstream may send it, then the end of the connection.
struct RawResponse {
  std::string name;
  std::string bytes;
  RawVerdict verdict = RawVerdict::kRefused;
  int status = 0;  // of an accepted response
  std::string fields = {}, body = {};
  bool to_head = false;    // it answers a HEAD request
  bool keep_alive = true;  // the connection may be used again
};

// Request lines, hosts, fields, limits.
std::vector<RawRequest> RawHeadCases();
// Where the body ends: Content-Length, Transfer-Encoding, the chunked coding, trailers; hop-by-hop fields.
std::vector<RawRequest> RawBodyCases();
// CONNECT: whom it may name, and what may stand in its head.
std::vector<RawRequest> RawConnectCases();
std::vector<RawResponse> RawResponseCases();

}  // namespace narthex
