#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "source/http/exchange.h"
#include "source/http/grpc_frames.h"
#include "source/http/message.h"

namespace narthex {

// What is counted, and under which names. Immutable.
struct GrpcStatsRules {
  bool all_methods = false;
  std::set<std::string, std::less<>> methods;  // "package.Service/Method": these on their own
  bool upstream_time = false;
  bool replace_dots = false;
};

// One call, counted when its exchange ends, which holds this and outlives it; so do the bodies that it wraps.
class CountedCall {
 public:
  // Before the router may rewrite the path.
  CountedCall(Exchange& exchange, std::shared_ptr<const GrpcStatsRules> rules);
  CountedCall(const CountedCall&) = delete;
  ~CountedCall();

  // The same bodies; their messages are counted as they pass.
  Body CountRequest(Body body);
  // Sees the response's status, in its headers or in the trailers behind its body.
  void CountResponse(Response& response);

 private:
  class CountedBody;

  Body Count(Body body, GrpcFrames& frames);
  void Note(const HeaderMap& fields);
  std::string Name(bool& known) const;

  Exchange& exchange_;
  const std::shared_ptr<const GrpcStatsRules> rules_;
  const std::string_view path_;  // bytes of the exchange's request headers
  std::optional<uint64_t> status_;
  bool answered_ = false;  // by the upstream
  GrpcFrames requests_;
  GrpcFrames responses_;
};

}  // namespace narthex
