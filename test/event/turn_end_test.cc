#include "source/event/turn_end.h"

#include "gtest/gtest.h"
#include "source/event/event_loop.h"

namespace narthex {
namespace {

struct Count {
  explicit Count(EventLoop& l) : loop(l), work(&Count::Run, this) {}
  static void Run(void* self) {
    auto* count = static_cast<Count*>(self);
    ++count->runs;
    if (count->again-- > 0) count->loop.AtTurnEnd(count->work);
  }
  EventLoop& loop;
  int runs = 0;
  int again = 0;
  TurnEnd work;
};

TEST(TurnEnd, IsDoneOnceATurn) {
  const auto loop = EventLoop::Make();
  Count count(*loop);
  loop->AtTurnEnd(count.work);
  loop->AtTurnEnd(count.work);
  EXPECT_EQ(count.runs, 0);
  loop->RunOnce();
  EXPECT_EQ(count.runs, 1);
  loop->RunOnce();
  EXPECT_EQ(count.runs, 1);
}

TEST(TurnEnd, MayAskForItselfAgain) {
  const auto loop = EventLoop::Make();
  Count count(*loop);
  count.again = 2;
  loop->AtTurnEnd(count.work);
  loop->RunOnce();
  EXPECT_EQ(count.runs, 3);
}

TEST(TurnEnd, IsNotDoneWhenItIsGone) {
  const auto loop = EventLoop::Make();
  Count first(*loop);
  {
    Count second(*loop);
    loop->AtTurnEnd(first.work);
    loop->AtTurnEnd(second.work);
  }
  loop->RunOnce();
  EXPECT_EQ(first.runs, 1);
}

TEST(TurnEnd, ComesBeforeWhatIsDeletedGoesAndAfterItToo) {
  const auto loop = EventLoop::Make();
  Count count(*loop);
  struct Asks {
    Count& count;
    ~Asks() {
      EXPECT_EQ(count.runs, 1);
      count.loop.AtTurnEnd(count.work);
    }
  };
  loop->AtTurnEnd(count.work);
  loop->DeleteLater(std::unique_ptr<Asks>(new Asks{count}));
  loop->RunOnce();
  EXPECT_EQ(count.runs, 2);
}

}  // namespace
}  // namespace narthex
