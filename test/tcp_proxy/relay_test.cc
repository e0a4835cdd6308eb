#include "source/tcp_proxy/relay.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

constexpr size_t kReadSize = 1000;

// A relay between two streams, whose far ends the test plays.
class RelayTest : public testing::Test {
 protected:
  void Start() {
    task_ = Run(*this);
    task_.Start();
  }
  static Task<void> Run(RelayTest& test) {
    test.end_ = co_await Relay(*test.loop_, *test.client_, *test.host_, test.counts_, test.stats_, kReadSize);
  }
  void Settle() {
    for (int turn = 0; turn < 4; ++turn) loop_->RunOnce();
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  FakePeer client_peer_, host_peer_;
  std::unique_ptr<FakeStream> client_ = std::make_unique<FakeStream>(client_peer_);
  std::unique_ptr<FakeStream> host_ = std::make_unique<FakeStream>(host_peer_);
  RelayCounts counts_;
  RelayStats stats_;
  std::optional<RelayEnd> end_;
  Task<void> task_;
};

TEST_F(RelayTest, PassesBytesBothWaysAndCountsThem) {
  client_->Deliver("early");
  Start();
  EXPECT_EQ(host_peer_.received, "early");
  host_->Deliver("answer");
  EXPECT_EQ(client_peer_.received, "answer");
  client_->Deliver(" late");
  EXPECT_EQ(host_peer_.received, "early late");
  EXPECT_EQ(counts_.received, 10u);
  EXPECT_EQ(counts_.sent, 6u);
  EXPECT_FALSE(end_.has_value());
}

TEST_F(RelayTest, TheEndOfOneSideIsPassedOnAndTheOtherGoesOn) {
  Start();
  client_->Deliver("question");
  client_->Close();
  EXPECT_TRUE(host_peer_.write_shut);
  EXPECT_FALSE(client_peer_.write_shut);
  EXPECT_FALSE(end_.has_value());
  host_->Deliver("answer");
  EXPECT_EQ(client_peer_.received, "answer");
  host_->Close();
  EXPECT_TRUE(client_peer_.write_shut);
  EXPECT_EQ(end_, RelayEnd::kUpstreamLast);
}

TEST_F(RelayTest, TheHostMayEndFirst) {
  Start();
  host_->Close();
  EXPECT_TRUE(client_peer_.write_shut);
  client_->Deliver("more");
  EXPECT_EQ(host_peer_.received, "more");
  client_->Close();
  EXPECT_EQ(end_, RelayEnd::kDownstreamLast);
}

TEST_F(RelayTest, ASlowReaderHoldsOneReadAndNoMore) {
  host_peer_.window = 1;
  Start();
  client_->Deliver(std::string(5 * kReadSize, 'x'));
  Settle();
  EXPECT_EQ(host_peer_.received.size(), 1u);
  // What was not written waits in the relay, all else with the client.
  EXPECT_EQ(counts_.received, kReadSize);
  host_->Drained(kReadSize);
  EXPECT_EQ(host_peer_.received.size(), kReadSize + 1);
  EXPECT_EQ(counts_.received, 2 * kReadSize);
  host_->Drained(5 * kReadSize);
  EXPECT_EQ(host_peer_.received.size(), 5 * kReadSize);
}

TEST_F(RelayTest, AnEndWaitsForTheBytesBeforeIt) {
  client_peer_.window = 2;
  Start();
  host_->Deliver("answer");
  host_->Close();
  EXPECT_EQ(client_peer_.received, "an");
  EXPECT_FALSE(client_peer_.write_shut);
  client_->Drained(100);
  EXPECT_EQ(client_peer_.received, "answer");
  EXPECT_TRUE(client_peer_.write_shut);
}

TEST_F(RelayTest, AFailedSideEndsBoth) {
  Start();
  client_->Fail(ECONNRESET);
  EXPECT_EQ(end_, RelayEnd::kDownstreamFailed);
}

TEST_F(RelayTest, AFailureIsTheHostsWhenItCannotBeWrittenTo) {
  Start();
  host_->Close();
  host_->Fail(EPIPE);
  EXPECT_EQ(end_, RelayEnd::kUpstreamFailed);
}

TEST_F(RelayTest, AFailureIsNoticedWhileTheOtherSideTakesNothing) {
  host_peer_.window = 0;
  Start();
  client_->Deliver("stuck");
  ASSERT_FALSE(end_.has_value());
  client_->Fail(ECONNRESET);
  EXPECT_EQ(end_, RelayEnd::kDownstreamFailed);
}

TEST_F(RelayTest, AnEndBehindWhatTheOtherSideDoesNotTakeIsNoFailure) {
  host_peer_.window = 0;
  Start();
  client_->Deliver("stuck");
  client_->Close();
  EXPECT_FALSE(end_.has_value());
  host_->Drained(100);
  EXPECT_EQ(host_peer_.received, "stuck");
  EXPECT_TRUE(host_peer_.write_shut);
}

TEST_F(RelayTest, WhoAlwaysHasMoreLetsTheLoopTurn) {
  Start();
  bool turned = false;
  loop_->Post([&] { turned = true; });
  client_->Deliver(std::string(100 * kReadSize, 'x'));
  EXPECT_LT(host_peer_.received.size(), 100 * kReadSize);
  for (int turn = 0; turn < 20; ++turn) loop_->RunOnce();
  EXPECT_TRUE(turned);
  EXPECT_EQ(host_peer_.received.size(), 100 * kReadSize);
}

TEST_F(RelayTest, FailingAtOnceDoesNotSuspend) {
  host_->Fail(ECONNRESET);
  client_->Deliver("x");
  Start();
  EXPECT_EQ(end_, RelayEnd::kUpstreamFailed);
}

TEST_F(RelayTest, StopsWhenItIsDestroyed) {
  Start();
  client_->Deliver(std::string(100 * kReadSize, 'x'));
  task_.Cancel();
  const size_t passed = host_peer_.received.size();
  Settle();
  client_->Fail(ECONNRESET);
  EXPECT_EQ(host_peer_.received.size(), passed);
  EXPECT_FALSE(host_peer_.destroyed);
  EXPECT_FALSE(end_.has_value());
}

TEST_F(RelayTest, AFailureIsPassedOnAsOne) {
  Start();
  host_->Deliver("half");
  host_->Fail(ECONNRESET);
  EXPECT_EQ(end_, RelayEnd::kUpstreamFailed);
  EXPECT_TRUE(client_peer_.aborted);
  EXPECT_FALSE(host_peer_.aborted);
}

TEST_F(RelayTest, AFailureOfTheClientIsPassedOnToo) {
  host_peer_.window = 0;
  Start();
  client_->Deliver("stuck");
  client_->Fail(ECONNRESET);
  EXPECT_TRUE(host_peer_.aborted);
  EXPECT_FALSE(client_peer_.aborted);
}

TEST_F(RelayTest, WhoGotTheOthersEndInOrderIsNotAborted) {
  Start();
  host_->Deliver("whole");
  host_->Close();
  host_->Fail(EPIPE);
  client_->Deliver("too late");
  EXPECT_EQ(end_, RelayEnd::kUpstreamFailed);
  EXPECT_FALSE(client_peer_.aborted);
}

}  // namespace
}  // namespace narthex
