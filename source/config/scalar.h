#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "source/config/tree.h"

namespace narthex {

// What a scalar of the tree means to a field of some type, by the proto3 JSON mapping. The error says what
// was expected and what was found, without a position.

absl::StatusOr<bool> BoolOf(const Node& node);
// A whole number in [low, high], also written "5", 5.0 or 5e3; `type` names the field's type in errors.
absl::StatusOr<int64_t> SignedOf(const Node& node, int64_t low, int64_t high, std::string_view type);
absl::StatusOr<uint64_t> UnsignedOf(const Node& node, uint64_t high, std::string_view type);
absl::StatusOr<double> DoubleOf(const Node& node);
absl::StatusOr<float> FloatOf(const Node& node);
absl::StatusOr<std::string> StringOf(const Node& node);
// Base64 or its URL-safe alphabet, padded or not.
absl::StatusOr<std::string> BytesOf(const Node& node);

struct SecondsAndNanos {
  int64_t seconds = 0;
  int32_t nanos = 0;
};
// "1.5s", at most nine decimals.
absl::StatusOr<SecondsAndNanos> DurationOf(const Node& node);
// RFC 3339: "2026-01-31T10:00:00.5Z".
absl::StatusOr<SecondsAndNanos> TimestampOf(const Node& node);

}  // namespace narthex
