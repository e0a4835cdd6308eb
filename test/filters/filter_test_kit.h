#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "source/coro/event.h"
#include "source/event/event_loop.h"
#include "source/filter/http_filter.h"
#include "source/filter/registry.h"
#include "source/filter/route.h"
#include "source/http/message.h"

// What a filter's test needs: compile it from a message, send a request through it to a hand-written last
// filter, with bodies that arrive in pieces and a clock that the test moves; and do so once for every place
// where a body can be cut and for every suspension at which a client can go away.
namespace narthex::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A message as a test writes it down or reads it.
struct Message {
  Fields headers;
  std::string body;
  std::optional<Fields> trailers;
  bool chunked = false;     // the length is not known beforehand
  bool breaks_off = false;  // the body ends with an error in place of its end
  bool operator==(const Message&) const = default;

  // The value of the first field of this name; "(none)" when there is none.
  std::string Get(std::string_view name) const;
};

inline Message WithHeaders(Fields headers) {
  Message message;
  message.headers = std::move(headers);
  return message;
}

struct Scenario {
  Message request =
      WithHeaders({{":method", "GET"}, {":path", "/"}, {":authority", "test"}, {":scheme", "http"}});
  // What the last filter answers.
  Message response = WithHeaders({{":status", "200"}});
  // Where bodies are cut into pieces; each piece arrives after a suspension.
  std::vector<size_t> cuts;
  // Per-route configuration, most specific first.
  std::vector<std::pair<std::string, std::shared_ptr<const RouteFilterConfig>>> route_configs;
  std::string route_cluster = "upstream";
  ClusterManager* clusters = nullptr;
  uint64_t random = 0;
};

struct Outcome {
  bool finished = false;      // false: cancelled
  int suspensions = 0;        // until the whole response was read, or the cancellation
  uint64_t milliseconds = 0;  // of the test's clock
  std::optional<Message>
      forwarded;  // what the last filter got, with the whole body; none when it was not asked
  Message response;
  std::string detail;  // response code detail of a local reply
  uint64_t flags = 0;  // Exchange::flags
  bool is_health_check = false;

  int status() const;
  bool HasFlag(ResponseFlag flag) const { return (flags >> static_cast<int>(flag)) & 1; }
};

// Sends the scenario's request through `filter`. With `cancel_at`, the client goes away at that suspension,
// counted from zero. The test fails when anything is left behind: a timer, a body, a waiting coroutine.
Outcome RunFilter(const HttpFilter& filter, const Scenario& scenario,
                  std::optional<int> cancel_at = std::nullopt);

// Runs the scenario with bodies whole, cut once at every byte, and cut at all bytes, and calls `check` on
// each outcome.
void ForEveryCut(const HttpFilter& filter, Scenario scenario,
                 const std::function<void(const Outcome&)>& check);

// Runs the scenario, and once more for each of its suspensions with the client gone there.
void CancelAtEverySuspension(const HttpFilter& filter, const Scenario& scenario);

// The filter that `factory` makes of a configuration message, under the factory's own name; null and the
// diagnostics in `errors` when it refuses.
std::shared_ptr<const HttpFilter> Make(const FilterFactory& factory, const google::protobuf::Message& config,
                                       std::string* errors = nullptr, RuntimeLookup runtime = {});
// The same for a route's configuration.
std::shared_ptr<const RouteFilterConfig> MakeRoute(const FilterFactory& factory,
                                                   const google::protobuf::Message& config,
                                                   std::string* errors = nullptr);

// A message from text format: Parse<Buffer>("max_request_bytes { value: 8 }").
void ParseInto(const std::string& text, google::protobuf::Message& message);
template <class M>
M Parse(const std::string& text) {
  M message;
  ParseInto(text, message);
  return message;
}

}  // namespace narthex::testing
