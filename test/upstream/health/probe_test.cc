#include "source/upstream/health/probe.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

// Answers each request with what the test has planned, and remembers the last one.
struct Answers {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string grpc_status;  // in trailers; empty: none
  std::string asked_path, asked_body, asked_type, asked_agent;
};

class AnsweringConnection final : public ClientConnection {
 public:
  explicit AnsweringConnection(Answers& answers) : answers_(answers) {}
  Task<Result> Send(Request request, std::optional<Request>*) override {
    answers_.asked_path = std::string(request.path());
    answers_.asked_type = std::string(request.headers().Get(Header::kContentType));
    answers_.asked_agent = std::string(request.headers().Get(Header::kUserAgent));
    answers_.asked_body = (co_await ReadAll(request.body(), 1000)).data.ToString();
    Response response(answers_.status);
    for (const auto& [name, value] : answers_.headers) response.headers().Add(name, value);
    Body body(answers_.body);
    if (!answers_.grpc_status.empty()) {
      auto trailers = std::make_unique<HeaderMap>();
      trailers->Add(Header::kGrpcStatus, answers_.grpc_status);
      body.set_trailers(std::move(trailers));
    }
    response.set_body(std::move(body));
    co_return response;
  }
  bool usable() const override { return true; }
  uint32_t room() const override { return 1; }
  uint32_t active() const override { return 0; }
  bool multiplexes() const override { return true; }
  std::string_view protocol() const override { return "HTTP/2"; }
  uint64_t requests_sent() const override { return 0; }

 private:
  Answers& answers_;
};

class ProbeTest : public testing::Test {
 protected:
  // Makes the probe of this check.
  void Make(decltype(HealthCheckSettings::check) check) {
    settings_.check = std::move(check);
    config_.name = "products";
    EndpointConfig endpoint;
    endpoint.address = *Address::Ip("10.0.0.1", 80);
    host_ = std::make_unique<Host>(endpoint, endpoint.address);
    Connectors connectors;
    connectors.http = [this](EventLoop&, const ConnectTarget& target, ClientConnectionOwner&) {
      protocol_ = target.protocol;
      return Connect(answers_);
    };
    connectors.stream = [this](EventLoop&, const StreamTarget&) { return Stream(*this); };
    context_.emplace(
        ProbeContext{*loop_, config_, settings_, std::move(connectors), nullptr, Http2Stats("test.")});
    probe_ = MakeProbe(*context_, *host_);
  }
  // Begins a check, which may have to wait for the peer.
  void Start() {
    result_.reset();
    task_ = Run(*probe_, result_);
    task_.Start();
  }
  const ProbeResult& Check() {
    Start();
    EXPECT_TRUE(result_.has_value());
    return *result_;
  }

  static Task<void> Run(Probe& probe, std::optional<ProbeResult>& result) { result = co_await probe.Check(); }
  static Task<ConnectOutcome> Connect(Answers& answers) {
    co_return ConnectedClient{std::make_unique<AnsweringConnection>(answers), Address()};
  }
  static Task<StreamOutcome> Stream(ProbeTest& test) {
    ++test.dialled_;
    auto stream = std::make_unique<FakeStream>(test.peers_.emplace_back());
    test.stream_ = stream.get();
    co_return ConnectedStream{std::move(stream), Address(), {}};
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ClusterConfig config_;
  HealthCheckSettings settings_;
  Answers answers_;
  UpstreamProtocol protocol_ = UpstreamProtocol::kAlpn;
  std::list<FakePeer> peers_;
  FakeStream* stream_ = nullptr;
  int dialled_ = 0;
  std::unique_ptr<Host> host_;
  std::optional<ProbeContext> context_;
  std::unique_ptr<Probe> probe_;
  std::optional<ProbeResult> result_;
  Task<void> task_;
};

using Kind = ProbeResult::Kind;

TEST_F(ProbeTest, HttpSaysWhatTheAnswerMeans) {
  HttpCheck check;
  check.path = "/ready";
  check.expected = {{200, 300}};
  check.retriable = {{503, 504}};
  Make(check);
  EXPECT_EQ(Check().kind, Kind::kHealthy);
  EXPECT_EQ(answers_.asked_path, "/ready");
  EXPECT_EQ(answers_.asked_agent, "Envoy/HC");
  EXPECT_EQ(protocol_, UpstreamProtocol::kHttp1);
  answers_.headers = {{"x-envoy-degraded", ""}};
  EXPECT_EQ(Check().kind, Kind::kDegraded);
  answers_.status = 503;
  EXPECT_EQ(Check().kind, Kind::kFailed);
  EXPECT_FALSE(result_->network);
  answers_.status = 404;
  answers_.headers = {{"x-envoy-immediate-health-check-fail", "true"}};
  EXPECT_EQ(Check().kind, Kind::kUnhealthy);
  EXPECT_TRUE(result_->excluded);
  EXPECT_EQ(result_->cause, "answered 404");
}

TEST_F(ProbeTest, HttpLooksAtAsMuchOfTheBodyAsItMay) {
  HttpCheck check;
  check.path = "/";
  check.receive = {"up", "ready"};
  check.body_limit = 20;
  Make(check);
  answers_.body = "all is up and ready";
  EXPECT_EQ(Check().kind, Kind::kHealthy);
  answers_.body = "ready and up";
  EXPECT_EQ(Check().kind, Kind::kUnhealthy);
  EXPECT_EQ(result_->cause, "its answer lacks what is expected");
  answers_.body = "all is up, and all of it is ready";
  EXPECT_EQ(Check().kind, Kind::kUnhealthy);
}

TEST_F(ProbeTest, HttpChangesItsHeadersAsAsked) {
  HttpCheck check;
  check.path = "/";
  check.http2 = true;
  check.edits = {{"user-agent", "mine", HeaderEdit::Action::kOverwrite},
                 {"content-type", "text/x", HeaderEdit::Action::kAddIfAbsent},
                 {"content-type", "text/y", HeaderEdit::Action::kAddIfAbsent}};
  Make(check);
  Check();
  EXPECT_EQ(answers_.asked_agent, "mine");
  EXPECT_EQ(answers_.asked_type, "text/x");
  EXPECT_EQ(protocol_, UpstreamProtocol::kHttp2);
}

TEST_F(ProbeTest, GrpcAsksForItsService) {
  Make(GrpcCheck{"shop", ""});
  answers_.body = std::string("\0\0\0\0\2\x08\x01", 7);
  answers_.grpc_status = "0";
  EXPECT_EQ(Check().kind, Kind::kHealthy);
  EXPECT_EQ(answers_.asked_path, "/grpc.health.v1.Health/Check");
  EXPECT_EQ(answers_.asked_type, "application/grpc");
  EXPECT_EQ(answers_.asked_body, std::string("\0\0\0\0\6\x0a\4shop", 11));
  EXPECT_EQ(protocol_, UpstreamProtocol::kHttp2);
}

TEST_F(ProbeTest, GrpcSaysWhyAHostIsNotServing) {
  Make(GrpcCheck{});
  const auto cause = [this](std::string body, std::string status) {
    answers_.body = std::move(body);
    answers_.grpc_status = std::move(status);
    EXPECT_EQ(Check().kind, Kind::kUnhealthy);
    return result_->cause;
  };
  EXPECT_EQ(cause(std::string("\0\0\0\0\2\x08\x02", 7), "0"), "answered NOT_SERVING");
  EXPECT_EQ(cause(std::string("\0\0\0\0\0", 5), "0"), "answered UNKNOWN");
  EXPECT_EQ(cause("", "5"), "answered grpc-status 5");
  EXPECT_EQ(cause("", ""), "answered without grpc-status");
  EXPECT_EQ(cause(std::string("\0\0\0\0\3\x08\x01", 7), "0"), "answered what is no HealthCheckResponse");
  EXPECT_EQ(cause(std::string("\0\0\0\0\1\x08", 6), "0"), "answered what is no HealthCheckResponse");
  answers_.status = 503;
  EXPECT_EQ(cause("", "0"), "answered 503");
}

TEST_F(ProbeTest, TcpSendsAndExpectsInOrder) {
  Make(TcpCheck{"PING", {"+", "PONG"}});
  Start();
  EXPECT_EQ(peers_.back().received, "PING");
  stream_->Deliver("so +P");
  EXPECT_FALSE(result_.has_value());
  stream_->Deliver("ONG\r\n");
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->kind, Kind::kHealthy);
}

TEST_F(ProbeTest, TcpUsesItsConnectionAgainAndReplacesALostOne) {
  Make(TcpCheck{"PING", {"PONG"}});
  Start();
  stream_->Deliver("PONG");
  Start();
  stream_->Deliver("PONG");
  EXPECT_EQ(result_->kind, Kind::kHealthy);
  EXPECT_EQ(dialled_, 1);
  EXPECT_EQ(peers_.back().received, "PINGPING");
  Start();
  stream_->Close();
  EXPECT_EQ(dialled_, 2);
  stream_->Deliver("PONG");
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->kind, Kind::kHealthy);
}

TEST_F(ProbeTest, TcpFailsWhenTheHostClosesOrTalksOn) {
  Make(TcpCheck{"PING", {"PONG"}});
  Start();
  stream_->Close();
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->kind, Kind::kFailed);
  EXPECT_EQ(result_->cause, "closed the connection before what is expected came");
  Start();
  for (int i = 0; i < 20 && !result_; ++i) stream_->Deliver(std::string(8192, 'x'));
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->cause, "its bytes lack what is expected");
}

TEST_F(ProbeTest, ChecksGoWhereTheEndpointSays) {
  EndpointConfig endpoint;
  endpoint.address = *Address::Ip("10.0.0.1", 80);
  settings_.alt_port = 81;
  EXPECT_EQ(CheckAddress(settings_, Host(endpoint, endpoint.address)).ToString(), "10.0.0.1:81");
  endpoint.check.address = *Address::Ip("10.0.0.2", 82);
  EXPECT_EQ(CheckAddress(settings_, Host(endpoint, endpoint.address)).ToString(), "10.0.0.2:82");
  endpoint.check.port = 83;
  EXPECT_EQ(CheckAddress(settings_, Host(endpoint, endpoint.address)).ToString(), "10.0.0.2:83");
}

}  // namespace
}  // namespace narthex
