#include "filters/router/retry_plan.h"

#include <algorithm>
#include <charconv>

#include "filters/router/timeouts.h"
#include "source/base/ascii.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

// Of requests whose route has none.
const RetryPolicy& NoPolicy() {
  static const RetryPolicy& none = *new RetryPolicy;
  return none;
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Calls `visit` with each member of a list with commas.
template <class F>
void ForEachMember(std::string_view list, F visit) {
  while (!list.empty()) {
    std::string_view member = list.substr(0, list.find(','));
    list.remove_prefix(std::min(member.size() + 1, list.size()));
    while (member.starts_with(' ')) member.remove_prefix(1);
    while (member.ends_with(' ')) member.remove_suffix(1);
    if (!member.empty()) visit(member);
  }
}

// The condition that is this gRPC status; 0 for others.
uint32_t ConditionOf(std::string_view grpc_status) {
  if (grpc_status == "1") return kRetryCancelled;
  if (grpc_status == "4") return kRetryDeadlineExceeded;
  if (grpc_status == "8") return kRetryResourceExhausted;
  if (grpc_status == "13") return kRetryInternal;
  return grpc_status == "14" ? kRetryUnavailable : 0;
}

bool MatchesAny(const std::vector<HeaderMatcher>& matchers, const HeaderMap& headers) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [&](const HeaderMatcher& matcher) { return matcher.Matches(headers); });
}

// The time that a header asks to wait; none when it makes no sense.
std::optional<milliseconds> ToldWait(const RetryPolicy& policy, const HeaderMap& headers,
                                     std::chrono::system_clock::time_point now) {
  for (const ResetHeader& header : policy.reset_headers) {
    const std::optional<int64_t> number = ParseNumber<int64_t>(headers.Get(header.name));
    if (!number || *number < 0 || *number > INT64_MAX / 2000) continue;
    milliseconds wait(*number * 1000);
    if (header.unix_time) wait -= std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
    if (wait.count() >= 0 && wait <= policy.max_reset_interval) return wait;
  }
  return std::nullopt;
}

}  // namespace

std::optional<RetryPlan> RetryPlan::For(const CompiledRoute& route, const Request& request,
                                        milliseconds timeout) {
  const RetryPolicy* policy = route.retry_policy();
  if (policy == nullptr && !request.info().internal) return std::nullopt;
  RetryPlan plan(policy != nullptr ? *policy : NoPolicy());
  plan.on_ = plan.policy_->on;
  plan.left_ = plan.policy_->num_retries;
  plan.per_try_timeout_ = plan.policy_->per_try_timeout;
  plan.hedges_ = route.hedges();
  if (request.info().internal) plan.ReadHeaders(request.headers());
  if (timeout.count() > 0 && plan.per_try_timeout_ >= timeout) plan.per_try_timeout_ = milliseconds(0);
  const std::vector<HeaderMatcher>& wanted = plan.policy_->request_headers;
  if (!wanted.empty() && !MatchesAny(wanted, request.headers())) plan.on_ = 0;
  const bool limited = plan.per_try_timeout_.count() > 0 || plan.per_try_idle_timeout().count() > 0;
  if (plan.on_ == 0 && !limited) return std::nullopt;
  return plan;
}

void RetryPlan::ReadHeaders(const HeaderMap& headers) {
  const std::string_view hedge = headers.Get("x-envoy-hedge-on-per-try-timeout");
  if (hedge == "true" || hedge == "false") hedges_ = hedge == "true";
  on_ |= ParseRetryOn(headers.Get("x-envoy-retry-on"), true, false);
  on_ |= ParseRetryOn(headers.Get("x-envoy-retry-grpc-on"), false, true);
  if (on_ != 0) left_ = ParseNumber<uint32_t>(headers.Get("x-envoy-max-retries")).value_or(left_);
  const std::string_view per_try = headers.Get("x-envoy-upstream-rq-per-try-timeout-ms");
  per_try_timeout_ = ParseMilliseconds(per_try).value_or(per_try_timeout_);
  ForEachMember(headers.Get("x-envoy-retriable-status-codes"), [this](std::string_view code) {
    if (const auto number = ParseNumber<uint32_t>(code)) more_codes_.push_back(*number);
  });
  ForEachMember(headers.Get("x-envoy-retriable-header-names"),
                [this](std::string_view name) { more_headers_.push_back(ToLowerAscii(name)); });
}

bool RetryPlan::Wants(const ClientConnection::Result& result) const {
  if (on_ == 0) return false;
  const Response* response = std::get_if<Response>(&result);
  return response != nullptr ? WantsResponse(*response) : WantsError(std::get<ExchangeError>(result));
}

bool RetryPlan::WantsResponse(const Response& response) const {
  const HeaderMap& headers = response.headers();
  // More requests are the last that it needs.
  if (headers.Has("x-envoy-overloaded")) return false;
  if (headers.Has("x-envoy-ratelimited")) return Has(kRetryRateLimited);
  const int status = response.status();
  if (status >= 500 && Has(kRetry5xx)) return true;
  if (status >= 502 && status <= 504 && Has(kRetryGatewayError)) return true;
  if (status == 409 && Has(kRetryRetriable4xx)) return true;
  const auto is_it = [status](uint32_t code) { return code == static_cast<uint32_t>(status); };
  if (Has(kRetryStatusCodes) &&
      (std::any_of(policy_->status_codes.begin(), policy_->status_codes.end(), is_it) ||
       std::any_of(more_codes_.begin(), more_codes_.end(), is_it))) {
    return true;
  }
  if (Has(kRetryHeaders) && (MatchesAny(policy_->response_headers, headers) ||
                             std::any_of(more_headers_.begin(), more_headers_.end(),
                                         [&](const std::string& name) { return headers.Has(name); }))) {
    return true;
  }
  return Has(ConditionOf(headers.Get(Header::kGrpcStatus)));
}

bool RetryPlan::WantsError(const ExchangeError& error) const {
  switch (error.flag) {
    case ResponseFlag::kUpstreamConnectionFailure:
      if (Has(kRetryConnectFailure)) return true;
      break;
    case ResponseFlag::kUpstreamRemoteReset:
      if (error.retryable && Has(kRetryRefusedStream)) return true;
      break;
    case ResponseFlag::kUpstreamConnectionTermination:
    case ResponseFlag::kUpstreamProtocolError:
    case ResponseFlag::kUpstreamRequestTimeout:
    case ResponseFlag::kLocalReset:
      break;
    default:
      // No host, a breaker, or the client itself: trying again changes nothing.
      return false;
  }
  if (error.retryable && Has(kRetryResetBeforeRequest)) return true;
  return Has(kRetryReset | kRetry5xx | kRetryGatewayError);
}

bool RetryPlan::Take() {
  if (left_ == 0) return false;
  --left_;
  ++taken_;
  return true;
}

RetryPlan::Wait RetryPlan::WaitAfter(const ClientConnection::Result* result, uint64_t random,
                                     std::chrono::system_clock::time_point now) const {
  const Response* response = result == nullptr ? nullptr : std::get_if<Response>(result);
  if (response != nullptr) {
    if (const auto told = ToldWait(*policy_, response->headers(), now)) {
      // Never earlier, and not all clients at once.
      const uint64_t half = static_cast<uint64_t>(told->count()) / 2 + 1;
      return {*told + milliseconds(static_cast<int64_t>(random % half)), true};
    }
  }
  const int64_t doublings = std::min<int64_t>(taken_ == 0 ? 0 : taken_ - 1, 20);
  const milliseconds longest =
      std::min(policy_->base_interval * (int64_t{1} << doublings), policy_->max_interval);
  const uint64_t bound = std::max<uint64_t>(static_cast<uint64_t>(longest.count()), 1);
  return {milliseconds(static_cast<int64_t>(random % bound)), false};
}

}  // namespace narthex
