#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "source/http/header_map.h"

namespace narthex {

// A share of requests with a fixed denominator. Immutable.
struct Share {
  uint32_t numerator = 0;
  uint32_t denominator = 100;

  // Whether a request with these evenly spread bits belongs to the share.
  bool Draws(uint64_t bits) const;
  // This share, or the smaller one that the header asks for; a header that is no number asks for nothing.
  Share CappedBy(const HeaderMap& headers, std::string_view header) const;
};

// Independent bits for one decision out of an exchange's random bits, which other decisions use as well.
uint64_t BitsFor(uint64_t random, uint64_t decision);

// The number in a header; nullopt when it is missing, no decimal number, or above `max`.
std::optional<uint64_t> NumberIn(const HeaderMap& headers, std::string_view header, uint64_t max);

// How long to hold which requests back.
struct DelayRule {
  std::optional<std::chrono::milliseconds> fixed;  // else the request's header says it
  Share share;

  // For this request: nullopt for none.
  std::optional<std::chrono::milliseconds> For(const HeaderMap& headers, uint64_t random) const;
};

// What to answer in place of the upstream.
struct Abort {
  int http_status = 200;
  std::optional<uint32_t> grpc_status;
};

struct AbortRule {
  std::optional<Abort> fixed;  // else the request's headers say it
  Share share;

  // For this request: nullopt for none.
  std::optional<Abort> For(const HeaderMap& headers, uint64_t random) const;
};

}  // namespace narthex
