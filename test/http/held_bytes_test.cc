#include "source/http/held_bytes.h"

#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "source/coro/event.h"
#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/http/message.h"

namespace narthex {
namespace {

size_t SizeOf(const void* text) {
  return static_cast<const std::string*>(text)->size();
}

class HeldBytesTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  std::optional<Exchange> exchange_{std::in_place, *loop_, facts_};
};

TEST_F(HeldBytesTest, AreAddedUpAsTheyAreWhenAsked) {
  std::string one = "1", three = "333";
  EXPECT_EQ(exchange_->held_bytes.Total(), 0u);
  HeldBytes first(*exchange_, &SizeOf, &one);
  {
    const HeldBytes second(*exchange_, &SizeOf, &three);
    EXPECT_EQ(exchange_->held_bytes.Total(), 4u);
    one = "22";
    EXPECT_EQ(exchange_->held_bytes.Total(), 5u);
  }
  EXPECT_EQ(exchange_->held_bytes.Total(), 2u);
}

TEST_F(HeldBytesTest, MayGoInAnyOrder) {
  const std::string byte = "x";
  std::optional<HeldBytes> held[3];
  for (auto& each : held) each.emplace(*exchange_, &SizeOf, &byte);
  held[1].reset();
  EXPECT_EQ(exchange_->held_bytes.Total(), 2u);
  held[0].reset();
  EXPECT_EQ(exchange_->held_bytes.Total(), 1u);
  held[0].emplace(*exchange_, &SizeOf, &byte);
  held[2].reset();
  EXPECT_EQ(exchange_->held_bytes.Total(), 1u);
}

TEST_F(HeldBytesTest, MayOutliveTheirExchange) {
  const std::string byte = "x";
  const HeldBytes first(*exchange_, &SizeOf, &byte);
  std::optional<HeldBytes> second;
  second.emplace(*exchange_, &SizeOf, &byte);
  exchange_.reset();
  second.reset();
}

// Hands on a piece whenever the test says so.
struct Pieces final : BodySource {
  explicit Pieces(Event& e) : more(e) {}
  Task<BodyPiece> Read() override {
    co_await more.Wait();
    more.Reset();
    BodyPiece piece;
    piece.data.Append("12345");
    piece.end = ++count == 3;
    co_return piece;
  }
  Event& more;
  int count = 0;
};

TEST_F(HeldBytesTest, CountABodyThatWaitsToBeWhole) {
  Event more;
  Body body(Buffer(), std::make_unique<Pieces>(more), std::nullopt);
  Task<WholeBody> reading = ReadAll(body, 100, &*exchange_);
  reading.Start();
  more.Set();
  EXPECT_EQ(exchange_->held_bytes.Total(), 5u);
  more.Set();
  EXPECT_EQ(exchange_->held_bytes.Total(), 10u);
  more.Set();
  ASSERT_TRUE(reading.done());
  EXPECT_EQ(reading.Result().data.size(), 15u);
  EXPECT_EQ(exchange_->held_bytes.Total(), 0u);
}

}  // namespace
}  // namespace narthex
