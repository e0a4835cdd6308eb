#include "filters/fault/fault_rules.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace narthex {
namespace {

constexpr std::string_view kDelay = "x-envoy-fault-delay-request";
constexpr std::string_view kDelayPercentage = "x-envoy-fault-delay-request-percentage";
constexpr std::string_view kAbort = "x-envoy-fault-abort-request";
constexpr std::string_view kAbortGrpc = "x-envoy-fault-abort-grpc-request";
constexpr std::string_view kAbortPercentage = "x-envoy-fault-abort-request-percentage";

constexpr uint64_t kDelayDecision = 1;
constexpr uint64_t kAbortDecision = 2;
// A day: a longer delay is a mistake of whoever sent the header.
constexpr uint64_t kMaxDelayMs = 24 * 3600 * 1000;

std::optional<Abort> AskedFor(const HeaderMap& headers) {
  if (const auto status = NumberIn(headers, kAbort, 599); status && *status >= 200) {
    return Abort{.http_status = static_cast<int>(*status), .grpc_status = std::nullopt};
  }
  if (const auto status = NumberIn(headers, kAbortGrpc, std::numeric_limits<uint32_t>::max())) {
    return Abort{.http_status = 200, .grpc_status = static_cast<uint32_t>(*status)};
  }
  return std::nullopt;
}

}  // namespace

bool Share::Draws(uint64_t bits) const {
  return bits % denominator < numerator;
}

Share Share::CappedBy(const HeaderMap& headers, std::string_view header) const {
  const auto asked = NumberIn(headers, header, std::numeric_limits<uint32_t>::max());
  return asked ? Share{std::min(numerator, static_cast<uint32_t>(*asked)), denominator} : *this;
}

uint64_t BitsFor(uint64_t random, uint64_t decision) {
  // The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
  uint64_t bits = random + decision * 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

std::optional<uint64_t> NumberIn(const HeaderMap& headers, std::string_view header, uint64_t max) {
  const std::string_view text = headers.Get(header);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > max) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::chrono::milliseconds> DelayRule::For(const HeaderMap& headers, uint64_t random) const {
  std::optional<std::chrono::milliseconds> delay = fixed;
  Share drawn = share;
  if (!delay) {
    const auto asked = NumberIn(headers, kDelay, kMaxDelayMs);
    if (!asked || *asked == 0) return std::nullopt;
    delay = std::chrono::milliseconds(*asked);
    drawn = share.CappedBy(headers, kDelayPercentage);
  }
  if (!drawn.Draws(BitsFor(random, kDelayDecision))) return std::nullopt;
  return delay;
}

std::optional<Abort> AbortRule::For(const HeaderMap& headers, uint64_t random) const {
  const std::optional<Abort> abort = fixed ? fixed : AskedFor(headers);
  if (!abort) return std::nullopt;
  const Share drawn = fixed ? share : share.CappedBy(headers, kAbortPercentage);
  if (!drawn.Draws(BitsFor(random, kAbortDecision))) return std::nullopt;
  return abort;
}

}  // namespace narthex
