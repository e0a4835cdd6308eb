#include "source/event/socket_set.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

// Two connected sockets, the first in a set.
class Pair final : public IoHandler {
 public:
  explicit Pair(SocketSet& set) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_), 0);
    member_ = std::make_unique<SocketSet::Member>(set, fds_[0], *this);
  }
  ~Pair() override {
    member_.reset();
    close(fds_[0]);
    Hang();
  }
  void Leave() { member_.reset(); }
  void Say() { EXPECT_EQ(send(fds_[1], "x", 1, 0), 1); }
  void Hang() {
    if (fds_[1] >= 0) close(std::exchange(fds_[1], -1));
  }

  std::vector<IoReadiness> seen;
  std::function<void()> then = [] {};

 private:
  void OnReady(IoReadiness ready) override {
    seen.push_back(ready);
    then();
  }

  int fds_[2] = {-1, -1};
  std::unique_ptr<SocketSet::Member> member_;
};

size_t Dispatch(SocketSet& set) {
  return set.Dispatch([](void*) {}, nullptr);
}

bool Waits(const SocketSet& set) {
  pollfd poll_fd = {set.fd(), POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1;
}

TEST(SocketSet, TellsEachEdgeOnce) {
  SocketSet set;
  Pair pair(set);
  EXPECT_EQ(Dispatch(set), 1u);  // writable from the first
  ASSERT_EQ(pair.seen.size(), 1u);
  EXPECT_TRUE(pair.seen[0].writable);
  EXPECT_FALSE(pair.seen[0].readable);
  EXPECT_EQ(Dispatch(set), 0u);
  EXPECT_FALSE(Waits(set));
  pair.Say();
  EXPECT_TRUE(Waits(set));
  EXPECT_EQ(Dispatch(set), 1u);
  EXPECT_TRUE(pair.seen[1].readable);
  EXPECT_FALSE(pair.seen[1].closed);
  EXPECT_EQ(Dispatch(set), 0u);  // unread, and yet no new edge
  pair.Hang();
  EXPECT_EQ(Dispatch(set), 1u);
  EXPECT_TRUE(pair.seen[2].closed);
  EXPECT_TRUE(pair.seen[2].readable);
}

TEST(SocketSet, CallsBeforeOnlyWhenThereIsSomething) {
  SocketSet set;
  int calls = 0;
  const auto before = [](void* count) { ++*static_cast<int*>(count); };
  EXPECT_EQ(set.Dispatch(before, &calls), 0u);
  EXPECT_EQ(calls, 0);
  Pair one(set), two(set);
  EXPECT_EQ(set.Dispatch(before, &calls), 2u);
  EXPECT_EQ(calls, 1);
}

TEST(SocketSet, AHandlerMayTakeAwayItselfAndOthers) {
  SocketSet set;
  auto one = std::make_unique<Pair>(set);
  auto two = std::make_unique<Pair>(set);
  int handled = 0;
  // Whoever comes first takes both away.
  one->then = two->then = [&] {
    ++handled;
    one->Leave();
    two->Leave();
  };
  Dispatch(set);
  EXPECT_EQ(handled, 1);
  one->Say();
  two->Say();
  EXPECT_EQ(Dispatch(set), 0u);
}

// What the loop does there is to let its timers fire, which end connections.
TEST(SocketSet, BeforeMayTakeAwayWhatHasEvents) {
  SocketSet set;
  Pair stays(set);
  auto gone = std::make_unique<Pair>(set);
  const auto before = [](void* pair) { static_cast<std::unique_ptr<Pair>*>(pair)->reset(); };
  EXPECT_EQ(set.Dispatch(before, &gone), 2u);
  EXPECT_EQ(stays.seen.size(), 1u);
}

TEST(SocketSet, AHandlerMayAddOthers) {
  SocketSet set;
  Pair one(set);
  std::unique_ptr<Pair> added;
  one.then = [&] {
    if (added == nullptr) added = std::make_unique<Pair>(set);
  };
  EXPECT_EQ(Dispatch(set), 1u);
  EXPECT_TRUE(added->seen.empty());
  EXPECT_EQ(Dispatch(set), 1u);
  EXPECT_EQ(added->seen.size(), 1u);
}

TEST(SocketSet, HandsOutMoreThanOneCallTakes) {
  SocketSet set;
  std::vector<std::unique_ptr<Pair>> many;
  for (int i = 0; i < 300; ++i) many.push_back(std::make_unique<Pair>(set));
  while (Dispatch(set) > 0) {
  }
  for (const auto& pair : many) EXPECT_EQ(pair->seen.size(), 1u);
}

}  // namespace
}  // namespace narthex
