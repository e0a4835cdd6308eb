#include "source/manager/date_header.h"

#include <array>
#include <ctime>

namespace narthex {
namespace {

// Names that no locale changes.
constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kShape = "Sun, 06 Nov 1994 08:49:37 GMT";

struct Date {
  std::time_t second = -1;
  std::array<char, kShape.size()> text{};

  void Put(size_t at, std::string_view name) { name.copy(text.data() + at, name.size()); }
  void PutTwoDigits(size_t at, int number) {
    text[at] = static_cast<char>('0' + number / 10 % 10);
    text[at + 1] = static_cast<char>('0' + number % 10);
  }

  void Set(std::time_t now) {
    second = now;
    std::tm utc;
    gmtime_r(&now, &utc);
    Put(0, kShape);
    Put(0, kDays[utc.tm_wday]);
    PutTwoDigits(5, utc.tm_mday);
    Put(8, kMonths[utc.tm_mon]);
    PutTwoDigits(12, (utc.tm_year + 1900) / 100);
    PutTwoDigits(14, utc.tm_year % 100);
    PutTwoDigits(17, utc.tm_hour);
    PutTwoDigits(20, utc.tm_min);
    PutTwoDigits(23, utc.tm_sec);
  }
};

}  // namespace

std::string_view HttpDate(std::chrono::system_clock::time_point now) {
  thread_local Date date;
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  if (second != date.second) date.Set(second);
  return {date.text.data(), date.text.size()};
}

}  // namespace narthex
