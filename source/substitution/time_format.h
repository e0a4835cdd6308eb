#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace narthex {

// The format of a point in time, in UTC: strftime's conversions, and Envoy's %s (seconds since 1970), %3s
// (with milliseconds), %f and %6f (fractions of the second; nine digits unless said) and %E3S (seconds with
// them). Immutable once parsed, any thread.
class TimeFormat {
 public:
  static constexpr size_t kMaxLength = 200;

  // "2026-01-01T12:00:00.123Z".
  TimeFormat() = default;
  // An error text, or nothing.
  std::string Parse(std::string_view format);

  void AppendTo(std::string& out, std::chrono::system_clock::time_point time) const;

 private:
  struct Piece {
    enum class Kind { kCalendar, kFraction, kEpoch } kind;
    std::string text;  // for strftime
    int digits = 0;
  };
  std::vector<Piece> pieces_;  // none: the default
};

}  // namespace narthex
