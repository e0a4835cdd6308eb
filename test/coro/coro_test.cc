#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/check.h"
#include "source/coro/event.h"
#include "source/coro/interruptible.h"
#include "source/coro/scope.h"
#include "source/coro/task.h"
#include "source/coro/when.h"

namespace narthex {
namespace {

// Counts what is alive, so that a test sees that cancelling destroyed every frame's locals.
struct Alive {
  explicit Alive(int& count) : count(count) { ++count; }
  ~Alive() { --count; }
  int& count;
};

Task<int> Ready(int value) {
  co_return value;
}

Task<int> SumOfReady(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await Ready(1);
  co_return sum;
}

Task<int> Nest(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Nest(depth - 1);
}

template <class T>
T RunReady(Task<T> task) {
  task.Start();
  EXPECT_TRUE(task.done());
  return task.Result();
}

#if NARTHEX_DCHECKS
TEST(EventDeathTest, HasOneWaiterAtATime) {
  Event event;
  const auto wait = [](Event& awaited) -> Task<void> { co_await awaited.Wait(); };
  Task<void> first = wait(event), second = wait(event);
  first.Start();
  EXPECT_DEATH(second.Start(), "broken invariant");
}
#endif

TEST(Task, ThousandsOfReadyAwaitsDoNotGrowTheStack) {
  EXPECT_EQ(RunReady(SumOfReady(1'000'000)), 1'000'000);
}

TEST(Task, DeepChainReturnsThroughSymmetricTransfer) {
  EXPECT_EQ(RunReady(Nest(5000)), 5000);
}

TEST(Task, IsLazyUntilAwaited) {
  bool ran = false;
  auto set = [](bool* flag) -> Task<void> {
    *flag = true;
    co_return;
  };
  {
    Task<void> task = set(&ran);
  }
  EXPECT_FALSE(ran);
}

// A chain in which every level waits once before and once after its child.
struct Steps {
  std::vector<Event> events = std::vector<Event>(9);
  int alive = 0;
};

Task<int> Level(Steps& steps, size_t level) {
  Alive local(steps.alive);
  co_await steps.events[level].Wait();
  int below = 0;
  if (level < 4) below = co_await Level(steps, level + 1);
  co_await steps.events[8 - level].Wait();
  co_return below + 1;
}

TEST(Task, CanBeCancelledAtEverySuspensionPointOfAChain) {
  for (size_t stop = 0; stop <= 9; ++stop) {
    Steps steps;
    Task<int> task = Level(steps, 0);
    task.Start();
    for (size_t i = 0; i < stop && i < 9; ++i) steps.events[i].Set();
    if (stop == 9) {
      ASSERT_TRUE(task.done());
      EXPECT_EQ(task.Result(), 5);
    } else {
      EXPECT_FALSE(task.done()) << stop;
      EXPECT_GT(steps.alive, 0);
    }
    task.Cancel();
    EXPECT_EQ(steps.alive, 0) << "cancelled at " << stop;
    for (Event& event : steps.events) EXPECT_FALSE(event.has_waiter());
  }
}

Task<int> WaitThen(Event& event, int value, int& alive) {
  Alive local(alive);
  co_await event.Wait();
  co_return value;
}

Task<std::vector<int>> All(std::vector<Task<int>> tasks) {
  co_return co_await WhenAll<int>(std::move(tasks));
}

TEST(WhenAll, ReturnsValuesInOrderWhateverTheOrderOfArrival) {
  Event a, b;
  int alive = 0;
  std::vector<Task<int>> tasks;
  tasks.push_back(WaitThen(a, 1, alive));
  tasks.push_back(WaitThen(b, 2, alive));
  tasks.push_back(Ready(3));
  Task<std::vector<int>> all = All(std::move(tasks));
  all.Start();
  b.Set();
  EXPECT_FALSE(all.done());
  a.Set();
  ASSERT_TRUE(all.done());
  EXPECT_EQ(all.Result(), (std::vector<int>{1, 2, 3}));
}

TEST(WhenAll, CancelsItsChildren) {
  Event a, b;
  int alive = 0;
  std::vector<Task<int>> tasks;
  tasks.push_back(WaitThen(a, 1, alive));
  tasks.push_back(WaitThen(b, 2, alive));
  Task<std::vector<int>> all = All(std::move(tasks));
  all.Start();
  EXPECT_EQ(alive, 2);
  all.Cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(a.has_waiter());
}

Task<int> Any(std::vector<Task<int>> tasks) {
  auto winner = co_await WhenAny<int>(std::move(tasks));
  co_return static_cast<int>(winner.index) * 100 + winner.value;
}

TEST(WhenAny, CancelsTheLosers) {
  Event a, b;
  int alive = 0;
  std::vector<Task<int>> tasks;
  tasks.push_back(WaitThen(a, 1, alive));
  tasks.push_back(WaitThen(b, 2, alive));
  Task<int> any = Any(std::move(tasks));
  any.Start();
  b.Set();
  ASSERT_TRUE(any.done());
  EXPECT_EQ(any.Result(), 102);
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(a.has_waiter());
}

TEST(Scope, EndsItsChildrenWithItself) {
  Event never;
  int alive = 0;
  {
    Scope scope;
    auto child = [](Event& event, int& count) -> Task<void> {
      Alive local(count);
      co_await event.Wait();
    };
    scope.Spawn(child(never, alive));
    EXPECT_EQ(alive, 1);
    EXPECT_FALSE(scope.idle());
  }
  EXPECT_EQ(alive, 0);
}

Task<std::optional<int>> Stoppable(Task<int> task, InterruptSlot& slot) {
  co_return co_await Interruptible<int>(std::move(task), slot);
}

TEST(Interruptible, ResumesItsAwaiterWithoutAValue) {
  Event event;
  InterruptSlot slot;
  int alive = 0;
  Task<std::optional<int>> task = Stoppable(WaitThen(event, 1, alive), slot);
  task.Start();
  ASSERT_TRUE(slot.waiting());
  slot.Interrupt();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.Result(), std::nullopt);
  EXPECT_EQ(alive, 0);
  slot.Interrupt();  // nothing waits: nothing happens
}

}  // namespace
}  // namespace narthex
