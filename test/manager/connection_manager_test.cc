#include "source/manager/connection_manager.h"

#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "source/overload/overload_state.h"
#include "test/manager/hcm_fixture.h"

namespace narthex {
namespace {

class Source : public HcmSource {
 public:
  std::shared_ptr<const HcmConfig> Current() const override { return current; }
  ClusterManager* Clusters() const override { return nullptr; }
  std::shared_ptr<const HcmConfig> current;
};

// One exchange as a codec would run it.
class Served {
 public:
  Served(EventLoop& loop, ConnectionManager& manager, std::string_view path, std::string_view host = "a.test")
      : exchange_(loop, facts_), manager_(manager) {
    facts_.remote = *Address::Ip("203.0.113.9", 4000);
    facts_.local = *Address::Ip("192.0.2.1", 8080);
    manager_.OnStart(exchange_);
    HeaderMap headers;
    headers.Add(Header::kMethod, "GET");
    headers.Add(Header::kAuthority, host);
    headers.Add(Header::kPath, path);
    exchange_.request_headers = std::move(headers);
  }
  ~Served() { End(); }

  HeaderMap& headers() { return exchange_.request_headers; }
  Exchange& exchange() { return exchange_; }
  void Start() {
    task_ = manager_.Handle(Request(Body(), exchange_));
    task_.Start();
  }
  // REQUIRES: it has ended.
  Response& Result() {
    if (!response_) response_ = task_.Result();
    return *response_;
  }
  bool done() const { return task_.done(); }
  void End() {
    if (ended_) return;
    ended_ = true;
    task_.Cancel();
    manager_.OnEnd(exchange_, &exchange_.request_headers, response_ ? &response_->headers() : nullptr,
                   nullptr);
  }

 private:
  ConnectionFacts facts_;
  Exchange exchange_;
  ConnectionManager& manager_;
  Task<Response> task_;
  std::optional<Response> response_;
  bool ended_ = false;
};

class ConnectionManagerTest : public ::testing::Test {
 protected:
  void Use(std::string_view fields, Profile profile = Profile::kEdge) {
    kept_.push_back(std::make_unique<CompiledHcm>(fields, profile));
    source_.current = kept_.back()->config();
    ASSERT_NE(source_.current, nullptr) << kept_.back()->errors();
  }
  // The reply to a request that is answered at once.
  Response Ask(std::string_view path, std::string_view host = "a.test") {
    Served run(*loop_, manager_, path, host);
    run.Start();
    EXPECT_TRUE(run.done());
    return std::move(run.Result());
  }
  static uint64_t Stat(std::string_view name) {
    return StatsStore::Process().ValueOf("http.test." + std::string(name));
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  std::vector<std::unique_ptr<CompiledHcm>> kept_;
  Source source_;
  ConnectionManager manager_{source_};
};

TEST_F(ConnectionManagerTest, ARequestGoesThroughTheChainOfItsRouteAndComesBackNamed) {
  Use("always_set_request_id_in_response: true\nserver_name: gate\n");
  uint64_t before = Stat("downstream_rq_2xx");
  Response response = Ask("/a/../shop");
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.headers().Get("x-path"), "/shop");
  EXPECT_EQ(response.headers().Get(Header::kServer), "gate");
  EXPECT_EQ(response.headers().Get(Header::kXRequestId).size(), 36u);
  EXPECT_EQ(Stat("downstream_rq_2xx"), before + 1);
  EXPECT_EQ(Stat("downstream_rq_active"), 0u);
}

TEST_F(ConnectionManagerTest, RefusesWhatItCannotRoute) {
  Use("");
  Response unknown = Ask("/", "b.test");
  EXPECT_EQ(unknown.status(), 404);
  ASSERT_NE(unknown.local(), nullptr);
  EXPECT_EQ(unknown.local()->detail, "route_not_found");
  EXPECT_EQ(unknown.local()->flag, ResponseFlag::kNoRouteFound);
  // One of the filters might have had the answer.
  Served run(*loop_, manager_, "/healthz", "10.0.0.1");
  run.Start();
  EXPECT_EQ(run.Result().status(), 404);
  EXPECT_TRUE(run.exchange().HasFlag(ResponseFlag::kNoRouteFound));
  EXPECT_EQ(Ask("/a#b").status(), 400);
  EXPECT_EQ(Ask("").status(), 404);
  Response redirect = Ask("/a%2Fb?q=1");
  EXPECT_EQ(redirect.status(), 307);
  EXPECT_EQ(redirect.headers().Get(Header::kLocation), "/a/b?q=1");
}

// What requests meet, until the test ends.
class Overload {
 public:
  explicit Overload(OverloadState::Odds odds) { OverloadState::Set(odds); }
  ~Overload() { OverloadState::Set({}); }
};

TEST_F(ConnectionManagerTest, AnOverloadedProcessRefusesRequestsBeforeAnythingIsMadeOfThem) {
  Use("");
  const uint64_t refused = Stat("downstream_rq_overload_close"), failed = Stat("downstream_rq_5xx");
  {
    const Overload overload({.refuse = OverloadState::kAll});
    Served run(*loop_, manager_, "/shop");
    run.Start();
    ASSERT_TRUE(run.done());
    EXPECT_EQ(run.Result().status(), 503);
    EXPECT_EQ(run.Result().body().buffered().ToString(), "envoy overloaded");
    EXPECT_TRUE(run.exchange().HasFlag(ResponseFlag::kOverloadManager));
    EXPECT_EQ(run.exchange().response_details, "overload");
    EXPECT_EQ(run.exchange().route(), nullptr);
    EXPECT_FALSE(run.exchange().close_connection);
  }
  EXPECT_EQ(Stat("downstream_rq_overload_close"), refused + 1);
  EXPECT_EQ(Stat("downstream_rq_5xx"), failed + 1);
  EXPECT_EQ(Ask("/shop").status(), 200) << "that is over";
}

TEST_F(ConnectionManagerTest, AnOverloadedProcessRefusesAShareOfTheRequests) {
  Use("");
  const Overload overload({.refuse = OverloadState::kAll / 4});
  int refused = 0;
  for (int i = 0; i < 1000; ++i) refused += Ask("/shop").status() == 503 ? 1 : 0;
  // Six standard deviations.
  EXPECT_NEAR(refused, 250, 83);
}

TEST_F(ConnectionManagerTest, AnOverloadedProcessEndsConnectionsWithTheirAnswers) {
  Use("");
  const uint64_t before = Stat("downstream_cx_overload_disable_keepalive");
  const Overload overload({.close = OverloadState::kAll});
  Served run(*loop_, manager_, "/shop");
  run.Start();
  EXPECT_EQ(run.Result().status(), 200);
  EXPECT_TRUE(run.exchange().close_connection);
  EXPECT_EQ(Stat("downstream_cx_overload_disable_keepalive"), before + 1);
}

TEST_F(ConnectionManagerTest, RefusesUnderscoresAtTheEdge) {
  Use("");
  Served run(*loop_, manager_, "/");
  run.headers().Add("x_forged", "1");
  run.Start();
  EXPECT_EQ(run.Result().status(), 400);
  EXPECT_EQ(run.exchange().response_details, "http1.unexpected_underscore");
}

TEST_F(ConnectionManagerTest, AReloadAppliesToTheNextRequestAndNotToTheOneUnderWay) {
  Use("server_name: old\n");
  Served run(*loop_, manager_, "/");
  Use("server_name: new\n");
  run.Start();
  EXPECT_EQ(run.Result().headers().Get(Header::kServer), "old");
  EXPECT_EQ(Ask("/").headers().Get(Header::kServer), "new");
}

TEST_F(ConnectionManagerTest, AClientThatGoesAwayIsFlaggedAndItsTimersAreGone) {
  Use("");
  uint64_t before = Stat("downstream_rq_rx_reset");
  size_t armed = loop_->wheel().armed();
  {
    Served run(*loop_, manager_, "/slow");
    run.Start();
    EXPECT_FALSE(run.done());
    EXPECT_EQ(loop_->wheel().armed(), armed + 1);
    run.End();
    EXPECT_TRUE(run.exchange().HasFlag(ResponseFlag::kDownstreamConnectionTermination));
    EXPECT_EQ(run.exchange().response_details, "downstream_remote_disconnect");
  }
  EXPECT_EQ(loop_->wheel().armed(), armed);
  EXPECT_EQ(Stat("downstream_rq_rx_reset"), before + 1);
}

TEST_F(ConnectionManagerTest, EndsAStreamThatLastsTooLong) {
  Use("common_http_protocol_options: {max_stream_duration: 5s}\n");
  Served run(*loop_, manager_, "/slow");
  run.Start();
  EXPECT_FALSE(run.done());
  loop_->wheel().Advance(loop_->NowMs() + 5100);
  ASSERT_TRUE(run.done());
  EXPECT_EQ(run.Result().status(), 504);
  EXPECT_EQ(run.exchange().response_details, "max_duration_timeout");
}

TEST_F(ConnectionManagerTest, GrpcTimeoutStandsInPlaceOfTheConfiguredLimits) {
  struct Case {
    std::string rules;
    std::string grpc_timeout;
    std::optional<int> milliseconds;
  };
  const Case kCases[] = {
      {"grpc_timeout_header_max: 0s", "8S", 8000},
      {"grpc_timeout_header_max: 2s", "8S", 2000},
      {"grpc_timeout_header_max: 2s", "100m", 100},
      {"max_stream_duration: 1s, grpc_timeout_header_max: 0s", "8S", 8000},
      {"grpc_timeout_header_max: 0s, grpc_timeout_header_offset: 3s", "8S", 5000},
      {"grpc_timeout_header_max: 0s, grpc_timeout_header_offset: 3s", "1S", 1},
      {"grpc_timeout_header_max: 2s", "0m", 1},
      {"grpc_timeout_header_max: 2s", "malformed", 4000},
      {"grpc_timeout_header_max: 2s", "", 4000},
      {"max_stream_duration: 1s", "8S", 1000},
      {"max_stream_duration: 0s", "8S", 0},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.rules + " for " + c.grpc_timeout);
    Use("common_http_protocol_options: {max_stream_duration: 4s}\nroute_config: {virtual_hosts: [{name: v, "
        "domains: "
        "['*'], routes: [{match: {prefix: /}, route: {cluster: products, max_stream_duration: {" +
        c.rules + "}}}]}]}\n");
    Served run(*loop_, manager_, "/slow");
    if (!c.grpc_timeout.empty()) run.headers().Set(Header::kGrpcTimeout, c.grpc_timeout);
    run.Start();
    ASSERT_TRUE(run.exchange().max_duration);
    EXPECT_EQ(run.exchange().max_duration->count(), c.milliseconds);
  }
}

TEST_F(ConnectionManagerTest, AGrpcCallThatLastsTooLongHasExceededItsDeadline) {
  Use("route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: "
      "{cluster: products, "
      "max_stream_duration: {grpc_timeout_header_max: 0s}}}]}]}\n");
  Served run(*loop_, manager_, "/slow");
  run.headers().Set(Header::kContentType, "application/grpc");
  run.headers().Set(Header::kGrpcTimeout, "200m");
  run.Start();
  EXPECT_FALSE(run.done());
  loop_->wheel().Advance(loop_->NowMs() + 300);
  ASSERT_TRUE(run.done());
  EXPECT_EQ(run.Result().status(), 200);
  EXPECT_EQ(run.Result().headers().Get(Header::kGrpcStatus), "4");
  EXPECT_EQ(run.exchange().response_details, "max_duration_timeout");
}

TEST_F(ConnectionManagerTest, ALocalReplyInPlaceOfTheClusterCarriesTheRoutesChanges) {
  Use(R"(
common_http_protocol_options: {max_stream_duration: 5s}
route_config:
  response_headers_to_add: [{header: {key: x-table, value: "%RESPONSE_CODE%"}}]
  virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: products}}]}]
)");
  Served run(*loop_, manager_, "/slow");
  run.Start();
  EXPECT_EQ(run.exchange().upstream.cluster, "products");
  loop_->wheel().Advance(loop_->NowMs() + 5100);
  ASSERT_TRUE(run.done());
  EXPECT_EQ(run.Result().headers().Count("x-table"), 1u);
}

TEST_F(ConnectionManagerTest, ARefusalOfTheCodecLooksLikeEveryOtherReply) {
  Use("server_name: gate\n");
  uint64_t before = Stat("downstream_rq_header_timeout");
  Served run(*loop_, manager_, "/");
  ExchangeError error;
  error.detail = "request_header_timeout";
  Response response = manager_.Refuse(run.exchange(), 408, std::move(error));
  EXPECT_EQ(response.status(), 408);
  EXPECT_EQ(response.headers().Get(Header::kServer), "gate");
  EXPECT_EQ(response.body().buffered().ToString(), "request header timeout");
  EXPECT_EQ(Stat("downstream_rq_header_timeout"), before + 1);
}

TEST_F(ConnectionManagerTest, AnExchangeThatStoodStillCountsOnceWhetherItWasAnsweredOrNot) {
  Use("");
  const uint64_t before = Stat("downstream_rq_idle_timeout");
  Served answered(*loop_, manager_, "/");
  manager_.Refuse(answered.exchange(), 408,
                  ExchangeError{.flag = ResponseFlag::kStreamIdleTimeout, .detail = "stream_idle_timeout"});
  answered.End();
  EXPECT_EQ(Stat("downstream_rq_idle_timeout"), before + 1);
  Served begun(*loop_, manager_, "/");
  begun.Start();
  begun.Result();
  begun.exchange().AddFlag(ResponseFlag::kStreamIdleTimeout);
  begun.End();
  EXPECT_EQ(Stat("downstream_rq_idle_timeout"), before + 2);
}

}  // namespace
}  // namespace narthex
