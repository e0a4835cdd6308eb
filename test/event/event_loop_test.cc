#include "source/event/event_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(EventLoop, RunsWorkPostedFromAnotherThread) {
  auto loop = EventLoop::Make();
  int count = 0;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) loop->Post([&] { ++count; });
    loop->Post([&] { loop->Stop(); });
  });
  loop->Run();
  poster.join();
  EXPECT_EQ(count, 1000);
}

TEST(EventLoop, FiresTimersInOrderOfTheirDeadlines) {
  auto loop = EventLoop::Make();
  struct Context {
    EventLoop& loop;
    std::string order;
  } context{*loop, {}};
  Timer late(
      loop->wheel(),
      [](void* c) {
        static_cast<Context*>(c)->order += "b";
        static_cast<Context*>(c)->loop.Stop();
      },
      &context);
  Timer early(loop->wheel(), [](void* c) { static_cast<Context*>(c)->order += "a"; }, &context);
  late.Arm(std::chrono::milliseconds(300));
  early.Arm(std::chrono::milliseconds(3));
  loop->Run();
  EXPECT_EQ(context.order, "ab");
}

TEST(EventLoop, DeletesLaterWhenTheTurnEnds) {
  auto loop = EventLoop::Make();
  struct Guard {
    bool& gone;
    ~Guard() { gone = true; }
  };
  bool gone = false;
  loop->Post([&] {
    loop->DeleteLater(std::unique_ptr<Guard>(new Guard{gone}));
    EXPECT_FALSE(gone);
  });
  loop->RunOnce();
  EXPECT_TRUE(gone);
}

struct Seen : IoHandler {
  void OnReady(IoReadiness r) override {
    readable |= r.readable;
    writable |= r.writable;
    closed |= r.closed;
    ++calls;
  }
  bool readable = false, writable = false, closed = false;
  int calls = 0;
};

TEST(EventLoop, TellsReadinessOncePerEdge) {
  auto loop = EventLoop::Make();
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  Seen seen;
  auto registration = loop->Register(fds[0], seen);
  loop->RunOnce();
  EXPECT_TRUE(seen.writable);
  EXPECT_FALSE(seen.readable);
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  loop->RunOnce();
  EXPECT_TRUE(seen.readable);
  const int calls = seen.calls;
  loop->RunOnce();
  EXPECT_EQ(seen.calls, calls) << "the byte was not read, but its edge has been told";
  EXPECT_FALSE(seen.closed);
  close(fds[1]);
  loop->RunOnce();
  EXPECT_TRUE(seen.closed);
  registration.reset();
  close(fds[0]);
}

TEST(EventLoop, HandsSignalsToTheLoop) {
  auto loop = EventLoop::Make();
  int caught = 0;
  auto registration = loop->OnSignal(SIGUSR2, [&] {
    ++caught;
    loop->Stop();
  });
  raise(SIGUSR2);
  loop->Run();
  EXPECT_EQ(caught, 1);
}

}  // namespace
}  // namespace narthex
