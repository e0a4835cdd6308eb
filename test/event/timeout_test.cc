#include "source/event/timeout.h"

#include <chrono>
#include <optional>

#include "gtest/gtest.h"
#include "source/coro/event.h"

namespace narthex {
namespace {

Task<int> WaitThen(Event& event, int value) {
  co_await event.Wait();
  co_return value;
}

Task<std::optional<int>> Limited(EventLoop& loop, Task<int> task, std::chrono::milliseconds delay) {
  co_return co_await WithTimeout<int>(loop, std::move(task), delay);
}

TEST(WithTimeout, GivesTheValueWhenItIsInTime) {
  auto loop = EventLoop::Make();
  Event event;
  Task<std::optional<int>> task = Limited(*loop, WaitThen(event, 7), std::chrono::hours(1));
  task.Start();
  event.Set();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.Result(), 7);
  EXPECT_EQ(loop->wheel().armed(), 0u);
}

TEST(WithTimeout, CancelsWhatIsLate) {
  auto loop = EventLoop::Make();
  Event event;
  Task<std::optional<int>> task = Limited(*loop, WaitThen(event, 7), std::chrono::milliseconds(20));
  task.Start();
  loop->wheel().Advance(loop->NowMs() + 19);
  EXPECT_FALSE(task.done());
  loop->wheel().Advance(loop->NowMs() + 1);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.Result(), std::nullopt);
  EXPECT_FALSE(event.has_waiter());
}

}  // namespace
}  // namespace narthex
