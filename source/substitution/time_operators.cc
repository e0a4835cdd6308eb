#include <array>

#include "source/substitution/operators.h"

namespace narthex {
namespace {

using Argument = FormatOperator::Argument;
using Point = uint64_t ExchangeTimes::*;

std::string PrepareStartTime(FormatArguments& arguments) {
  return arguments.time.Parse(arguments.text);
}

void StartTime(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (c.exchange == nullptr) return;
  v.owned.clear();
  a.time.AppendTo(v.owned, c.exchange->times.start_wall);
  SetTextIfAny(v, v.owned);
}

// Absent unless both points were reached.
void Between(const FormatContext& c, Point from, Point to, uint64_t divisor, FormatValue& v) {
  if (c.exchange == nullptr) return;
  const uint64_t begin = c.exchange->times.*from;
  const uint64_t end = c.exchange->times.*to;
  if (begin != 0 && end >= begin) SetNumber(v, (end - begin) / divisor);
}

// Milliseconds between two points.
template <Point from, Point to>
void Duration(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  Between(c, from, to, 1000, v);
}

// The points of COMMON_DURATION.
struct NamedPoint {
  std::string_view name;
  Point point;
};
constexpr auto kPoints = std::to_array<NamedPoint>({
    {"DS_RX_BEG", &ExchangeTimes::start},
    {"DS_RX_END", &ExchangeTimes::request_end},
    {"US_CX_BEG", &ExchangeTimes::upstream_connect},
    {"US_CX_END", &ExchangeTimes::upstream_connected},
    {"US_HS_END", &ExchangeTimes::upstream_handshake},
    {"US_TX_BEG", &ExchangeTimes::upstream_start},
    {"US_TX_END", &ExchangeTimes::upstream_end},
    {"US_RX_BEG", &ExchangeTimes::response_head},
    {"US_RX_BODY_BEG", &ExchangeTimes::response_body},
    {"US_RX_END", &ExchangeTimes::response_end},
    {"DS_TX_BEG", &ExchangeTimes::downstream_start},
    {"DS_TX_END", &ExchangeTimes::end},
});

const NamedPoint* FindPoint(std::string_view name) {
  for (const NamedPoint& point : kPoints) {
    if (point.name == name) return &point;
  }
  return nullptr;
}

enum Precision { kMilliseconds, kMicroseconds, kNanoseconds };

// START:END or START:END:PRECISION.
std::string PrepareCommonDuration(FormatArguments& arguments) {
  std::string_view text = arguments.text;
  std::array<std::string_view, 3> parts;
  for (std::string_view& part : parts) {
    const size_t colon = text.find(':');
    part = text.substr(0, colon);
    text = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  }
  if (!text.empty() || parts[1].empty()) return "takes a start and an end, as (DS_RX_BEG:DS_TX_END:ms)";
  for (const std::string_view part : {parts[0], parts[1]}) {
    if (FindPoint(part) == nullptr) return "has the unknown point in time \"" + std::string(part) + "\"";
  }
  arguments.from = FindPoint(parts[0])->point;
  arguments.to = FindPoint(parts[1])->point;
  if (parts[2] == "us") {
    arguments.option = kMicroseconds;
  } else if (parts[2] == "ns") {
    arguments.option = kNanoseconds;
  } else if (!parts[2].empty() && parts[2] != "ms") {
    return "has the precision \"" + std::string(parts[2]) + "\", which is not ms, us or ns";
  }
  return {};
}

void CommonDuration(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (a.from == nullptr || a.to == nullptr) return;
  Between(c, a.from, a.to, a.option == kMilliseconds ? 1000 : 1, v);
  if (a.option == kNanoseconds) v.number *= 1000;
}

using Times = ExchangeTimes;

constexpr FormatOperator kOperators[] = {
    {"START_TIME", StartTime, Argument::kOptional, false, PrepareStartTime},
    {"DURATION", Duration<&Times::start, &Times::end>},
    {"REQUEST_DURATION", Duration<&Times::start, &Times::request_end>},
    {"REQUEST_TX_DURATION", Duration<&Times::start, &Times::upstream_end>},
    {"RESPONSE_DURATION", Duration<&Times::start, &Times::response_head>},
    {"RESPONSE_TX_DURATION", Duration<&Times::response_head, &Times::end>},
    {"COMMON_DURATION", CommonDuration, Argument::kRequired, false, PrepareCommonDuration},
};

}  // namespace

std::span<const FormatOperator> TimeOperators() {
  return kOperators;
}

}  // namespace narthex
