#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/http/client_codec.h"
#include "source/router/compiled_route.h"

namespace narthex {

// When and how one request is tried again: as its route says, and what the x-envoy- headers of an internal
// client add to it. Loop-confined.
class RetryPlan {
 public:
  // None where the request is tried once, without a limit of its own. Takes nothing off the request.
  // `timeout` is the exchange's; a try that may take as long has no limit of its own.
  static std::optional<RetryPlan> For(const CompiledRoute& route, const Request& request,
                                      std::chrono::milliseconds timeout);

  const RetryPolicy& policy() const { return *policy_; }
  std::chrono::milliseconds per_try_timeout() const { return per_try_timeout_; }
  std::chrono::milliseconds per_try_idle_timeout() const { return policy_->per_try_idle_timeout; }
  // Whether a try that has had its time goes on beside the next one.
  bool hedges() const {
    const bool timed = per_try_timeout_.count() > 0 || per_try_idle_timeout().count() > 0;
    return hedges_ && timed && on_ != 0;
  }
  // Whether what came back is a reason to try again.
  bool Wants(const ClientConnection::Result& result) const;
  // Takes one of the retries that are left; false when none is.
  bool Take();

  struct Wait {
    std::chrono::milliseconds time{0};
    bool told = false;  // by the upstream
  };
  // How long to wait before the retry that was taken last; `result` is null when there was none.
  Wait WaitAfter(const ClientConnection::Result* result, uint64_t random,
                 std::chrono::system_clock::time_point now) const;

 private:
  explicit RetryPlan(const RetryPolicy& policy) : policy_(&policy) {}
  void ReadHeaders(const HeaderMap& headers);
  bool WantsResponse(const Response& response) const;
  bool WantsError(const ExchangeError& error) const;
  bool Has(uint32_t conditions) const { return (on_ & conditions) != 0; }

  const RetryPolicy* policy_;
  uint32_t on_ = 0;
  uint32_t left_ = 0;
  uint32_t taken_ = 0;
  std::chrono::milliseconds per_try_timeout_{0};
  bool hedges_ = false;
  std::vector<uint32_t> more_codes_;
  std::vector<std::string> more_headers_;
};

}  // namespace narthex
