// The tables of raw HTTP/1 bytes against the real server, configured with a listener, a route and a cluster
// and nothing else. The oracle is what the upstream gets: whole messages by a strict reading, or nothing.

#include <mutex>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/http/http1_raw_cases.h"
#include "test/http/whole_message.h"
#include "test/integration/gateway.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

// Requests that the codec takes and the connection manager, by the edge profile, answers itself.
struct EdgeAnswer {
  std::string_view name;
  int status;
};
constexpr EdgeAnswer kEdgeAnswers[] = {
    {"version-1.0", 426},              // accept_http_10 is off
    {"field-name-of-any-token", 400},  // an underscore in a header's name
    {"asterisk-form", 404},            // no route takes it
    {"percent-encoded", 307},          // an escaped slash
};

// The gateway adds fields of its own.
constexpr Http1Limits kRoomy{.max_head_bytes = 1 << 20, .max_headers = 1000};
// Its backslash is a slash by then, and the rest is escaped.
constexpr std::string_view kNormalized = "bytes-that-no-uri-has";

// Takes requests by a strict reading and answers with what was asked for.
class Recorder {
 public:
  Recorder() : upstream_([this](Wire& wire) { Serve(wire); }) {}
  uint16_t port() const { return upstream_.port(); }
  std::vector<WholeMessage> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(seen_, {});
  }

 private:
  void Serve(Wire& wire) {
    std::string bytes;
    for (std::string byte; !(byte = wire.ReadBytes(1)).empty();) {
      bytes += byte;
      const WholeMessage message = ReadWholeRequest(bytes, kRoomy);
      EXPECT_NE(message.state, WholeMessage::State::kRefused) << bytes;
      if (!message.complete()) continue;
      bytes.clear();
      {
        const std::lock_guard lock(mutex_);
        seen_.push_back(message);
      }
      wire.Send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(message.start.size()) + "\r\n\r\n" +
                message.start);
    }
  }

  std::mutex mutex_;
  std::vector<WholeMessage> seen_;
  ScriptedUpstream upstream_;
};
int StatusOf(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

int ExpectedStatus(const RawRequest& request) {
  for (const EdgeAnswer& answer : kEdgeAnswers) {
    if (answer.name == request.name) return answer.status;
  }
  return request.verdict == RawVerdict::kAccepted ? 200 : request.status;
}

// Nobody else's bytes come first on a connection of its own.
void ExpectOwnAnswer(uint16_t port, Recorder& upstream) {
  Wire client = Wire::ConnectTo(port);
  client.Send("GET /probe HTTP/1.1\r\nhost: probe.test\r\n\r\n");
  EXPECT_TRUE(client.ReadMessage().ends_with("GET probe.test /probe "));
  const std::vector<WholeMessage> seen = upstream.Take();
  ASSERT_EQ(seen.size(), 1u);
}

constexpr std::string_view kAnyRoute = "{match: {prefix: /}, route: {cluster: service}}";
constexpr std::string_view kConnectRoute =
    "{match: {connect_matcher: {}}, route: {cluster: service, upgrade_configs: [{upgrade_type: CONNECT}]}}, ";

class RawCases : public ::testing::Test {
 protected:
  RawCases() : RawCases("", {}) {}
  // The cases are HTTP/1's: a listener that speaks both would take HTTP/2's preface.
  RawCases(std::string_view route, std::vector<std::string> fields)
      : gateway_(GatewayYaml(upstream_.port(), "[" + std::string(route) + std::string(kAnyRoute) + "]",
                             With(std::move(fields), "codec_type: HTTP1"))) {}

  void Check(const RawRequest& request) {
    SCOPED_TRACE(request.name);
    Wire client = Wire::ConnectTo(gateway_.port());
    client.Send(request.bytes);
    client.ShutdownWrite();
    const std::string answer = client.ReadAll();
    const std::vector<WholeMessage> seen = upstream_.Take();
    const int expected = ExpectedStatus(request);
    if (request.verdict == RawVerdict::kIncomplete) {
      EXPECT_NE(StatusOf(answer), 200) << answer;
      EXPECT_TRUE(seen.empty());
    } else {
      EXPECT_EQ(StatusOf(answer), expected) << answer;
      ASSERT_EQ(seen.size(), expected == 200 ? 1u : 0u);
    }
    if (!seen.empty() && request.name != kNormalized) {
      EXPECT_EQ(seen[0].start, request.method + " " + request.authority + " " + request.path + " ");
      EXPECT_EQ(seen[0].body, request.body);
    }
    ExpectOwnAnswer(gateway_.port(), upstream_);
  }

  static std::vector<std::string> With(std::vector<std::string> fields, std::string another) {
    fields.push_back(std::move(another));
    return fields;
  }

  Recorder upstream_;
  Gateway gateway_;
};

// Where a CONNECT is passed on to the upstream.
class RawConnects : public RawCases {
 protected:
  RawConnects() : RawCases(kConnectRoute, {"upgrade_configs: [{upgrade_type: CONNECT}]"}) {}
};

TEST_F(RawCases, OfHeadsReachTheUpstreamCleanOrNotAtAll) {
  for (const RawRequest& request : RawHeadCases()) Check(request);
}

TEST_F(RawCases, OfBodiesReachTheUpstreamCleanOrNotAtAll) {
  for (const RawRequest& request : RawBodyCases()) Check(request);
}

TEST_F(RawConnects, ReachTheUpstreamCleanOrNotAtAll) {
  for (const RawRequest& request : RawConnectCases()) Check(request);
}

TEST(RawResponses, ThatAreBrokenAreNeverWholeAnswers) {
  std::string bytes;
  std::mutex mutex;
  ScriptedUpstream upstream([&](Wire& wire) {
    wire.ReadUntil("\r\n\r\n");
    std::string now;
    {
      const std::lock_guard lock(mutex);
      now = bytes;
    }
    wire.Send(now);
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  for (const RawResponse& response : RawResponseCases()) {
    SCOPED_TRACE(response.name);
    {
      const std::lock_guard lock(mutex);
      bytes = response.bytes;
    }
    Wire client = Wire::ConnectTo(gateway.port());
    const std::string method = response.to_head ? "HEAD" : "GET";
    client.Send(method + " / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n");
    const std::string answer = client.ReadAll();
    const WholeMessage message = ReadWholeResponse(answer, response.to_head, true);
    const bool good = response.verdict == RawVerdict::kAccepted;
    if (good) {
      EXPECT_EQ(message.status, response.status) << answer;
      EXPECT_EQ(message.body, response.body) << answer;
      EXPECT_TRUE(message.complete());
    } else if (message.complete()) {
      EXPECT_TRUE(message.status == 502 || message.status == 503) << answer;
    }
  }
}

}  // namespace
}  // namespace narthex
