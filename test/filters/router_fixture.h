#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/upstream/cluster.h"
#include "test/filters/fake_loop.h"
#include "test/router/text_table.h"

namespace narthex::testing {

// What the cluster of a test does with the request.
struct UpstreamPlan {
  std::optional<ExchangeError> error;       // instead of an answer
  bool reads_request = true;                // all of it, first
  std::chrono::milliseconds delay{0};       // before the head of the response, or the error
  std::chrono::milliseconds body_delay{0};  // before the body
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // What it does with the tries that follow, one each; with further ones what the last does.
  std::vector<UpstreamPlan> then;
  uint32_t retries_allowed = 100;  // by its breaker
  uint32_t priority = 0;           // of the host that it chooses
  // What clusters called "mirror..." do, where it is not the same; one at most.
  std::vector<UpstreamPlan> mirror = {};
};

// A request that reached a cluster called "mirror...".
struct Mirrored {
  std::string to;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;    // where the plan reads it
  bool ended = false;  // it was answered
  AttemptOptions options = {};

  std::string Sent(std::string_view name) const;
};

// What came back, and what the cluster was asked.
struct RouterOutcome {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string body_error;  // the detail of a body that broke off
  std::string detail;      // of a local reply
  uint64_t flags = 0;
  std::chrono::milliseconds took{0};
  // Of the request that reached the cluster; empty when none did.
  std::vector<std::pair<std::string, std::string>> sent;
  std::string sent_to;
  std::string sent_body;  // where the plan reads it
  int tries = 0;
  std::vector<Address> avoided;                     // by the last try
  int timeouts = 0;                                 // that the cluster was told of
  std::vector<std::chrono::milliseconds> tried_at;  // since the beginning
  AttemptOptions options;
  std::vector<bool> left_out;  // whether each try was to leave out the priority that the plan has
  RawOptions raw;              // of a CONNECT that ends here
  std::vector<std::unique_ptr<Mirrored>> mirrored;
  size_t called_off = 0;  // tries that were destroyed before they were answered

  bool HasFlag(ResponseFlag flag) const { return (flags >> static_cast<int>(flag)) & 1; }
  // All values of the response's, or the sent request's, fields of this name, joined by a space.
  std::string Get(std::string_view name) const { return Values(headers, name); }
  std::string Sent(std::string_view name) const { return Values(sent, name); }

  static std::string Values(const std::vector<std::pair<std::string, std::string>>& fields,
                            std::string_view name);
};

struct RouterQuestion {
  std::string routes;       // a RouteConfiguration in YAML; clusters called "missing..." are nowhere
  std::string router = {};  // fields of the Router message in text format
  std::vector<std::pair<std::string, std::string>> fields = {};
  bool internal = false;
  std::string body = {};  // that is all here; empty: as request_takes says
  uint64_t random = 0;
  // The request has a body whose end comes that long after its head; 0: no body.
  std::chrono::milliseconds request_takes{0};
  std::optional<std::chrono::milliseconds> max_duration = {};  // as the connection manager has set it
};

// Matches the request, sends it through a router filter, and lets the clock run until all of the response is
// there. Fails the test when a timer is left behind.
RouterOutcome Ask(const RouterQuestion& question, const UpstreamPlan& plan = {});

// The configuration of one route on every host: "match: {prefix: /}" and these fields.
std::string OneRoute(const std::string& fields);

}  // namespace narthex::testing
