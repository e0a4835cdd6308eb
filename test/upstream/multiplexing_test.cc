// Pools of connections that take several exchanges at a time.
#include <algorithm>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

class ManyConnection;

// Where the connections of a test lead, and those that live.
struct ManyUpstream {
  uint32_t room = 2;  // of each new connection
  bool hold = false;  // connections are not made until `accept` is set
  bool refuse = false;
  bool multiplexes = true;
  Event accept;
  size_t dialled = 0;
  std::vector<std::string> server_names, verify_names;
  std::vector<ManyConnection*> connections;
};

// A connection without a network that takes `room` exchanges at once.
class ManyConnection final : public ClientConnection {
 public:
  ManyConnection(ManyUpstream& upstream, ClientConnectionOwner& owner)
      : upstream_(upstream), owner_(owner), most_(upstream.room) {
    upstream_.connections.push_back(this);
  }
  ~ManyConnection() override { std::erase(upstream_.connections, this); }

  Task<Result> Send(Request request, std::optional<Request>* unsent) override {
    OneExchange exchange(*this, request.info().upstream.priority);
    ++sent_;
    co_await exchange.answered.Wait();
    if (exchange.status != 0) {
      exchange.end = ExchangeEnd::kDone;
      co_return Response(exchange.status);
    }
    exchange.end = ExchangeEnd::kLost;
    if (unsent != nullptr) unsent->emplace(std::move(request));
    co_return ExchangeError{ResponseFlag::kUpstreamRemoteReset, "remote_refused_stream_reset", true, {}};
  }
  bool usable() const override { return usable_; }
  uint32_t room() const override {
    return usable_ ? most_ - std::min<uint32_t>(most_, static_cast<uint32_t>(exchanges_.size())) : 0;
  }
  uint32_t active() const override { return static_cast<uint32_t>(exchanges_.size()); }
  bool multiplexes() const override { return upstream_.multiplexes; }
  std::string_view protocol() const override { return "HTTP/2"; }
  uint64_t requests_sent() const override { return sent_; }

  // Answers its oldest exchange; 0: refuses it.
  void Answer(int status) {
    OneExchange* oldest = exchanges_.front();
    oldest->status = status;
    oldest->answered.Set();
  }
  // The peer allows so many from now on.
  void SetMost(uint32_t most) {
    most_ = most;
    if (room() > 0) owner_.OnIdle(*this);
  }
  void GoAway() {
    usable_ = false;
    owner_.OnGoingAway(*this);
    if (exchanges_.empty()) owner_.OnBroken(*this);
  }

 private:
  struct OneExchange {
    OneExchange(ManyConnection& c, Priority p) : connection(c), priority(p) { c.exchanges_.push_back(this); }
    ~OneExchange() {
      ManyConnection& c = connection;
      c.exchanges_.remove(this);
      c.owner_.OnExchangeEnd(c, priority, end);
      if (!c.usable_ && c.exchanges_.empty()) {
        c.owner_.OnBroken(c);
      } else if (c.room() > 0) {
        c.owner_.OnIdle(c);
      }
    }
    ManyConnection& connection;
    const Priority priority;
    Event answered;
    int status = 0;
    ExchangeEnd end = ExchangeEnd::kCalledOff;
  };

  ManyUpstream& upstream_;
  ClientConnectionOwner& owner_;
  uint32_t most_;
  std::list<OneExchange*> exchanges_;
  bool usable_ = true;
  uint64_t sent_ = 0;
};

Task<ConnectOutcome> Dial(ManyUpstream& upstream, ConnectTarget target, ClientConnectionOwner& owner) {
  ++upstream.dialled;
  upstream.server_names.emplace_back(target.server_name);
  upstream.verify_names.emplace_back(target.verify_name);
  if (upstream.refuse) co_return absl::UnavailableError("Connection refused");
  if (upstream.hold) co_await upstream.accept.Wait();
  co_return ConnectedClient{std::make_unique<ManyConnection>(upstream, owner), Address()};
}

class MultiplexingTest : public UpstreamTest {
 protected:
  void Begin(std::shared_ptr<ClusterConfig> config = Many()) {
    Start({config}, [this](EventLoop&, const ConnectTarget& target, ClientConnectionOwner& owner) {
      return Dial(many_, target, owner);
    });
  }
  static std::shared_ptr<ClusterConfig> Many() {
    auto config = Config();
    config->connection.protocol = UpstreamProtocol::kHttp2;
    return config;
  }
  ManyConnection& at(size_t i) { return *many_.connections.at(i); }
  uint64_t Stat(const std::string& name) {
    const std::string cluster = testing::UnitTest::GetInstance()->current_test_info()->name();
    return StatsStore::Process().ValueOf("cluster." + cluster + "." + name);
  }

  ManyUpstream many_;
};

TEST_F(MultiplexingTest, RequestsShareAConnectionUpToItsRoom) {
  Begin();
  const auto one = Send(), two = Send();
  ASSERT_EQ(many_.connections.size(), 1u);
  EXPECT_EQ(at(0).active(), 2u);
  const auto three = Send();
  ASSERT_EQ(many_.connections.size(), 2u);
  EXPECT_EQ(at(1).active(), 1u);
  EXPECT_EQ(Stat("upstream_rq_active"), 3u);
  at(0).Answer(201);
  at(0).Answer(202);
  at(1).Answer(203);
  EXPECT_EQ(one->status(), 201);
  EXPECT_EQ(two->status(), 202);
  EXPECT_EQ(three->status(), 203);
  EXPECT_EQ(one->exchange().upstream.protocol, "HTTP/2");
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
  EXPECT_EQ(Stat("upstream_rq_total"), 3u);
  EXPECT_EQ(Stat("upstream_cx_http2_total"), 2u);
  EXPECT_EQ(Stat("upstream_cx_http1_total"), 0u);
}

TEST_F(MultiplexingTest, AnEndedExchangeMakesRoomForTheNext) {
  Begin();
  const auto one = Send(), two = Send();
  at(0).Answer(200);
  const auto three = Send();
  EXPECT_EQ(many_.dialled, 1u);
  EXPECT_EQ(at(0).active(), 2u);
}

TEST_F(MultiplexingTest, OneConnectionIsOpenedForAllThatWaitForIt) {
  many_.hold = true;
  many_.room = 100;
  Begin();
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(many_.dialled, 1u);
  many_.accept.Set();
  Settle();
  EXPECT_EQ(at(0).active(), 3u);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0u);
}

TEST_F(MultiplexingTest, MoreAreOpenedWhenItTakesFewerThanExpected) {
  many_.hold = true;
  Begin();
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(many_.dialled, 1u);
  many_.hold = false;
  many_.accept.Set();
  Settle();
  EXPECT_EQ(many_.dialled, 2u);
  EXPECT_EQ(at(0).active(), 2u);
  EXPECT_EQ(at(1).active(), 1u);
}

TEST_F(MultiplexingTest, AFailedConnectAnswersAllThatItWasFor) {
  many_.refuse = true;
  Begin();
  const auto one = Send();
  EXPECT_EQ(one->error().flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1u);
  EXPECT_EQ(Stat("upstream_cx_active"), 0u);
}

TEST_F(MultiplexingTest, WaitingRequestsGetTheRoomThatThePeerGives) {
  auto config = Many();
  config->breakers[0].connections.value = 1;
  Begin(config);
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(many_.dialled, 1u);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 1u);
  at(0).SetMost(3);
  Settle();
  EXPECT_EQ(at(0).active(), 3u);
}

TEST_F(MultiplexingTest, EachPriorityCountsTowardsItsOwnBreaker) {
  auto config = Many();
  config->breakers[0].requests.value = 1;
  Begin(config);
  const auto high = Send({.priority = Priority::kHigh});
  const auto low = Send();
  EXPECT_EQ(many_.dialled, 1u);
  EXPECT_EQ(Send()->error().flag, ResponseFlag::kUpstreamOverflow);
  // The oldest is the one of high priority: its end must not count as the other's.
  at(0).Answer(200);
  EXPECT_EQ(Send()->error().flag, ResponseFlag::kUpstreamOverflow);
  at(0).Answer(200);
  const auto next = Send();
  EXPECT_FALSE(next->done());
  EXPECT_EQ(at(0).active(), 1u);
}

TEST_F(MultiplexingTest, ACancelledRequestLeavesTheOthersAlone) {
  Begin();
  auto one = Send();
  const auto two = Send();
  one->Cancel();
  Settle();
  EXPECT_EQ(at(0).active(), 1u);
  EXPECT_EQ(Stat("upstream_rq_tx_reset"), 1u);
  EXPECT_EQ(Stat("upstream_rq_active"), 1u);
  at(0).Answer(200);
  EXPECT_EQ(two->status(), 200);
  EXPECT_EQ(Stat("upstream_cx_active"), 1u);
}

TEST_F(MultiplexingTest, AConnectionThatGoesAwayServesWhatItHas) {
  Begin();
  const auto one = Send();
  at(0).GoAway();
  const auto two = Send();
  ASSERT_EQ(many_.connections.size(), 2u);
  EXPECT_EQ(at(1).active(), 1u);
  at(0).Answer(200);
  EXPECT_EQ(one->status(), 200);
  Settle();
  EXPECT_EQ(many_.connections.size(), 1u);
  EXPECT_EQ(Stat("upstream_cx_destroy"), 1u);
  EXPECT_EQ(Stat("upstream_cx_destroy_with_active_rq"), 0u);
}

TEST_F(MultiplexingTest, ARefusedRequestIsMadeAgainOnAnotherConnection) {
  Begin();
  const auto first = Send();
  at(0).Answer(200);
  const auto again = Send({}, "POST");
  at(0).Answer(0);
  Settle();
  EXPECT_EQ(many_.dialled, 2u);
  at(1).Answer(200);
  EXPECT_EQ(again->status(), 200);
  EXPECT_EQ(Stat("upstream_rq_replayed"), 1u);
  EXPECT_EQ(Stat("upstream_rq_rx_reset"), 1u);
}

TEST_F(MultiplexingTest, AWornOutConnectionTakesNoMoreAndClosesAtItsLastEnd) {
  auto config = Many();
  config->connection.max_requests = 2;
  many_.room = 10;
  Begin(config);
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(many_.dialled, 2u);
  EXPECT_EQ(at(0).active(), 2u);
  at(0).Answer(200);
  Settle();
  EXPECT_EQ(many_.connections.size(), 2u);
  at(0).Answer(200);
  Settle();
  EXPECT_EQ(many_.connections.size(), 1u);
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 1u);
}

TEST_F(MultiplexingTest, AnIdleConnectionIsClosedAndABusyOneIsNot) {
  auto config = Many();
  config->connection.idle_timeout = 1s;
  Begin(config);
  const auto one = Send(), two = Send();
  at(0).Answer(200);
  Pass(2s);
  ASSERT_EQ(many_.connections.size(), 1u);
  at(0).Answer(200);
  Pass(2s);
  EXPECT_TRUE(many_.connections.empty());
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 1u);
}

TEST_F(MultiplexingTest, WhatAlpnChoseDecidesHowManyConnectionsWaitingRequestsNeed) {
  many_.multiplexes = false;
  many_.room = 1;
  auto config = Many();
  config->connection.protocol = UpstreamProtocol::kAlpn;
  Begin(config);
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(many_.dialled, 3u);
  EXPECT_EQ(Stat("upstream_cx_http1_total"), 3u);
}

TEST_F(MultiplexingTest, AServerNameOfTheRequestsHasConnectionsOfItsOwn) {
  auto config = Many();
  config->connection.auto_sni = true;
  Begin(config);
  const auto without_tls = Send();
  EXPECT_EQ(many_.server_names, std::vector<std::string>{""});
}

TEST_F(MultiplexingTest, ANameToVerifyIsGivenToTheConnectionWithoutAutoSni) {
  auto config = Many();
  config->connection.auto_san_validation = true;
  config->connection.tls = NoTlsContext();
  Begin(config);
  const auto call = Send();
  EXPECT_EQ(many_.server_names, std::vector<std::string>{""});
  EXPECT_EQ(many_.verify_names, std::vector<std::string>{"shop.example"});
}

TEST_F(MultiplexingTest, WithoutANameToVerifyNothingIsSent) {
  auto config = Many();
  config->connection.auto_san_validation = true;
  config->connection.tls = NoTlsContext();
  Begin(config);
  HeaderMap headers;
  headers.Add(Header::kMethod, "GET");
  headers.Add(Header::kPath, "/");
  Exchange exchange(*loop_, facts_);
  Task<ClientConnection::Result> call =
      products().Send(Request(std::move(headers), Body(), exchange), AttemptOptions());
  call.Start();
  ASSERT_TRUE(call.done());
  EXPECT_EQ(std::get<ExchangeError>(call.Result()).flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_EQ(many_.dialled, 0u);
}

TEST_F(MultiplexingTest, RequestsByOtherVersionsHavePoolsOfTheirOwn) {
  auto config = Many();
  config->connection.protocol = UpstreamProtocol::kDownstream;
  many_.room = 10;
  Begin(config);
  const auto plain = Send();
  facts_.protocol = "HTTP/2";
  const auto modern = Send(), another = Send();
  EXPECT_EQ(many_.dialled, 2u);
  EXPECT_EQ(at(1).active(), 2u);
}

}  // namespace
}  // namespace narthex
