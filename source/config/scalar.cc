#include "source/config/scalar.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "absl/numeric/int128.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace narthex {
namespace {

constexpr int64_t kMaxDurationSeconds = 315'576'000'000;  // the range of google.protobuf.Duration

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status Mismatch(std::string_view expected, const Node& node, std::string_view hint = {}) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", View(expected), ", found ", DescribeNode(node), View(hint)));
}

bool ParseRadix(std::string_view digits, int base, absl::int128& value) {
  uint64_t parsed = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return false;
  value = parsed;
  return true;
}

// Any whole number that could fit in 64 bits, signed or not.
bool ParseWhole(const Node& node, absl::int128& value) {
  std::string_view text = node.text;
  if (node.plain && text.starts_with("0x")) return ParseRadix(text.substr(2), 16, value);
  if (node.plain && text.starts_with("0o")) return ParseRadix(text.substr(2), 8, value);
  bool negative = text.starts_with('-');
  std::string_view digits = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  if (ParseRadix(digits, 10, value)) {
    if (negative) value = -value;
    return true;
  }
  double real = 0;
  if (!IsNumberText(text) || !absl::SimpleAtod(View(text), &real)) return false;
  // 2^64 and beyond do not fit in any field; out of the range that is checked next.
  if (real != std::floor(real) || std::abs(real) > 1e30) return false;
  value = static_cast<absl::int128>(real);
  return true;
}

absl::StatusOr<absl::int128> WholeBetween(const Node& node, absl::int128 low, absl::int128 high,
                                          std::string_view type) {
  std::string expected = absl::StrCat("a whole number (", View(type), ")");
  absl::int128 value;
  if (node.kind != Node::Kind::kScalar || !ParseWhole(node, value)) {
    bool number = node.kind == Node::Kind::kScalar && IsNumberText(node.text);
    if (!number || node.text.find_first_not_of("+-0123456789") != std::string_view::npos)
      return Mismatch(expected, node);
    value = node.text.starts_with('-') ? low - 1 : high + 1;
  }
  if (value >= low && value <= high) return value;
  std::string range = low == 0 ? absl::StrCat("0 to ", static_cast<uint64_t>(high))
                               : absl::StrCat(static_cast<int64_t>(low), " to ", static_cast<int64_t>(high));
  return absl::InvalidArgumentError(
      absl::StrCat(DescribeNode(node), " is out of range for ", View(type), " (", range, ")"));
}

bool TakeNanos(std::string_view fraction, int32_t& nanos) {
  if (fraction.empty() || fraction.size() > 9) return false;
  std::string padded(fraction);
  padded.resize(9, '0');
  auto [end, error] = std::from_chars(padded.data(), padded.data() + padded.size(), nanos);
  return error == std::errc() && end == padded.data() + padded.size() && nanos >= 0;
}

// What a duration without a valid unit was probably meant to be.
std::string DurationHint(std::string_view text) {
  double number = 0;
  for (auto [unit, seconds] :
       {std::pair{"ms", 0.001}, {"us", 1e-6}, {"m", 60.0}, {"h", 3600.0}, {"d", 86400.0}, {"", 1.0}}) {
    if (!text.ends_with(unit)) continue;
    std::string_view digits = text.substr(0, text.size() - std::string_view(unit).size());
    if (!IsNumberText(digits) || !absl::SimpleAtod(View(digits), &number)) continue;
    return absl::StrCat("; did you mean \"", number * seconds, "s\"?");
  }
  return {};
}

}  // namespace

absl::StatusOr<bool> BoolOf(const Node& node) {
  bool value = false;
  if (node.kind == Node::Kind::kScalar && ParseBoolText(node.text, value)) return value;
  std::string hint;
  if (node.text == "yes" || node.text == "on" || node.text == "y") hint = "; write true";
  if (node.text == "no" || node.text == "off" || node.text == "n") hint = "; write false";
  return Mismatch("a boolean (true or false)", node, hint);
}

absl::StatusOr<int64_t> SignedOf(const Node& node, int64_t low, int64_t high, std::string_view type) {
  auto value = WholeBetween(node, low, high, type);
  if (!value.ok()) return value.status();
  return static_cast<int64_t>(*value);
}

absl::StatusOr<uint64_t> UnsignedOf(const Node& node, uint64_t high, std::string_view type) {
  auto value = WholeBetween(node, 0, high, type);
  if (!value.ok()) return value.status();
  return static_cast<uint64_t>(*value);
}

absl::StatusOr<double> DoubleOf(const Node& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (node.kind != Node::Kind::kScalar) return Mismatch("a number", node);
  std::string_view text = node.text;
  if (text == "NaN" || (node.plain && (text == ".nan" || text == ".NaN" || text == ".NAN")))
    return std::nan("");
  if (text == "Infinity" || (node.plain && (text == ".inf" || text == "+.inf"))) return kInfinity;
  if (text == "-Infinity" || (node.plain && text == "-.inf")) return -kInfinity;
  absl::int128 whole;
  if (node.plain && (text.starts_with("0x") || text.starts_with("0o")) && ParseWhole(node, whole)) {
    return static_cast<double>(whole);
  }
  double value = 0;
  if (!IsNumberText(text) || !absl::SimpleAtod(View(text), &value)) return Mismatch("a number", node);
  if (std::isinf(value)) return absl::InvalidArgumentError(absl::StrCat(DescribeNode(node), " is too large"));
  return value;
}

absl::StatusOr<float> FloatOf(const Node& node) {
  absl::StatusOr<double> value = DoubleOf(node);
  if (!value.ok()) return value.status();
  if (std::isfinite(*value) && std::abs(*value) > std::numeric_limits<float>::max()) {
    return absl::InvalidArgumentError(absl::StrCat(DescribeNode(node), " is too large"));
  }
  return static_cast<float>(*value);
}

absl::StatusOr<std::string> StringOf(const Node& node) {
  if (node.kind != Node::Kind::kScalar) return Mismatch("a string", node);
  bool boolean = false;
  if (node.plain && (ParseBoolText(node.text, boolean) || IsNumberText(node.text))) {
    return Mismatch("a string", node, absl::StrCat("; quote it: \"", View(node.text), "\""));
  }
  return std::string(node.text);
}

absl::StatusOr<std::string> BytesOf(const Node& node) {
  std::string bytes;
  if (node.kind != Node::Kind::kScalar) return Mismatch("base64 text", node);
  if (absl::Base64Unescape(View(node.text), &bytes) || absl::WebSafeBase64Unescape(View(node.text), &bytes))
    return bytes;
  return Mismatch("base64 text", node);
}

absl::StatusOr<SecondsAndNanos> DurationOf(const Node& node) {
  constexpr std::string_view kExpected = "a duration in seconds such as \"1.5s\"";
  if (node.kind != Node::Kind::kScalar) return Mismatch(kExpected, node);
  std::string_view text = node.text;
  if (!text.ends_with('s')) return Mismatch(kExpected, node, DurationHint(text));
  text.remove_suffix(1);
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  size_t dot = text.find('.');
  std::string_view whole = text.substr(0, dot);
  SecondsAndNanos value;
  auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value.seconds);
  bool digits = !whole.empty() && whole[0] != '-' && end == whole.data() + whole.size();
  if (digits && (error == std::errc::result_out_of_range || value.seconds > kMaxDurationSeconds)) {
    return absl::InvalidArgumentError(absl::StrCat(DescribeNode(node), " is longer than 10000 years"));
  }
  bool fraction = dot == std::string_view::npos || TakeNanos(text.substr(dot + 1), value.nanos);
  if (!digits || !fraction) return Mismatch(kExpected, node, DurationHint(node.text));
  if (negative) {
    value.seconds = -value.seconds;
    value.nanos = -value.nanos;
  }
  return value;
}

absl::StatusOr<SecondsAndNanos> TimestampOf(const Node& node) {
  constexpr std::string_view kExpected = "a time such as \"2026-01-31T10:00:00Z\"";
  absl::Time time;
  std::string error;
  bool parsed =
      node.kind == Node::Kind::kScalar && absl::ParseTime(absl::RFC3339_full, View(node.text), &time, &error);
  if (!parsed || node.text.find('T') == std::string_view::npos) return Mismatch(kExpected, node);
  int64_t seconds = absl::ToUnixSeconds(time);
  return SecondsAndNanos{
      seconds, static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds)))};
}

}  // namespace narthex
