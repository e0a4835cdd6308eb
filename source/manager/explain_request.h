#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "source/http/http1_parser.h"
#include "source/http/server_codec.h"
#include "source/net/address.h"

namespace narthex {

// A URL, taken apart as the client that asks for it would.
struct ExplainUrl {
  bool secure = false;
  std::string authority;         // empty: the URL was a path alone
  std::optional<uint16_t> port;  // that the client would connect to; none for a path
  std::string target = "/";      // path and query; what a path was written as
  std::string fragment;          // "#part": the client keeps it

  // Takes "http(s)://host/path?query#part", a path or "*". An error says what is wrong.
  static absl::StatusOr<ExplainUrl> Parse(std::string_view url);
  // What a CONNECT names in place of a URL, "host:port": where its client wants to get to, and not whom it
  // asks.
  static ExplainUrl OfConnect(std::string_view target);
};

// A request that nobody sent, to ask what would become of it.
struct ExchangeQuestion {
  std::string method = "GET";
  ExplainUrl url;
  std::vector<std::pair<std::string, std::string>> headers;
  Address client;
  Address local;  // the listener's socket
};

// The head of such a request as the HTTP/1.1 codec reads it, by the very rules of the requests that come.
struct UnsentHead {
  std::string bytes;        // what the client would send; the head's fields are views into it
  bool host_added = false;  // the question names no host; `bytes` has the listener's address in its place
  RequestHead head;
  std::optional<Http1ParseError> refused;
};

// Makes the head of `question` and reads it with these options into `unsent`, whose place then must not
// change.
void ReadUnsentHead(const ServerCodecOptions& options, const ExchangeQuestion& question, UnsentHead& unsent);

}  // namespace narthex
