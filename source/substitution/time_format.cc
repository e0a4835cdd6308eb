#include "source/substitution/time_format.h"

#include <time.h>

#include <array>
#include <cstdint>

namespace narthex {
namespace {

using Clock = std::chrono::system_clock;

// strftime's conversions that mean the same everywhere; %z and %Z are UTC's.
constexpr std::string_view kConversions = "aAbBcCdDeFgGhHIjklmMprRSTuUVwWxXyY%";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

void AppendDigits(std::string& out, uint64_t number, int digits) {
  std::array<char, 20> text;
  for (int i = digits - 1; i >= 0; --i) {
    text[static_cast<size_t>(i)] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  out.append(text.data(), static_cast<size_t>(digits));
}

struct Split {
  time_t seconds;
  uint64_t nanoseconds;
};
Split SplitTime(Clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
  return {static_cast<time_t>(seconds.time_since_epoch().count()), static_cast<uint64_t>(rest.count())};
}

void AppendFraction(std::string& out, uint64_t nanoseconds, int digits) {
  for (int i = 9; i > digits; --i) nanoseconds /= 10;
  AppendDigits(out, nanoseconds, digits);
}

void AppendCalendar(std::string& out, const std::string& format, time_t seconds) {
  tm utc;
  gmtime_r(&seconds, &utc);
  std::array<char, 4 * TimeFormat::kMaxLength> text;
  out.append(text.data(), strftime(text.data(), text.size(), format.c_str(), &utc));
}

void AppendDefault(std::string& out, Split time) {
  // Most requests begin in the same second as the one before.
  thread_local time_t last = -1;
  thread_local std::string last_text;
  if (time.seconds != last) {
    last_text.clear();
    AppendCalendar(last_text, "%Y-%m-%dT%H:%M:%S.", time.seconds);
    last = time.seconds;
  }
  out += last_text;
  AppendDigits(out, time.nanoseconds / 1'000'000, 3);
  out += 'Z';
}

}  // namespace

std::string TimeFormat::Parse(std::string_view format) {
  if (format.size() > kMaxLength) return "has a time format that is too long";
  const auto calendar = [&](std::string_view text) {
    if (pieces_.empty() || pieces_.back().kind != Piece::Kind::kCalendar) {
      pieces_.push_back({Piece::Kind::kCalendar, {}, 0});
    }
    pieces_.back().text += text;
  };
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      calendar(format.substr(at, 1));
      continue;
    }
    size_t letter = at + 1;
    const bool extended = letter < format.size() && format[letter] == 'E';
    letter += extended;
    int digits = -1;
    if (letter < format.size() && IsDigit(format[letter])) digits = format[letter++] - '0';
    const std::string conversion(format.substr(at, letter + 1 - at));
    const char c = letter < format.size() ? format[letter] : '\0';
    if (c == 'f') {
      pieces_.push_back({Piece::Kind::kFraction, {}, digits < 0 ? 9 : digits});
    } else if (c == 's' && !extended) {
      pieces_.push_back({Piece::Kind::kEpoch, {}, digits < 0 ? 0 : digits});
    } else if (c == 'S' && extended && digits > 0) {
      calendar("%S.");
      pieces_.push_back({Piece::Kind::kFraction, {}, digits});
    } else if (extended || digits >= 0 || c == '\0') {
      return "has the unknown time conversion \"" + conversion + "\"";
    } else if (c == 'z' || c == 'Z') {
      calendar(c == 'z' ? "+0000" : "UTC");
    } else if (kConversions.find(c) != std::string_view::npos) {
      calendar(conversion);
    } else {
      return "has the unknown time conversion \"" + conversion + "\"";
    }
    at = letter;
  }
  return {};
}

void TimeFormat::AppendTo(std::string& out, Clock::time_point time) const {
  const Split split = SplitTime(time);
  if (pieces_.empty()) return AppendDefault(out, split);
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::kCalendar:
        AppendCalendar(out, piece.text, split.seconds);
        break;
      case Piece::Kind::kEpoch:
        out += std::to_string(split.seconds);
        [[fallthrough]];
      case Piece::Kind::kFraction:
        AppendFraction(out, split.nanoseconds, piece.digits);
        break;
    }
  }
}

}  // namespace narthex
