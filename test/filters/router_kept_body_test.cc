#include <string>
#include <utility>

#include "filters/router/kept_body.h"
#include "gtest/gtest.h"
#include "source/coro/event.h"
#include "source/event/event_loop.h"
#include "source/http/exchange.h"

namespace narthex {
namespace {

// Hands on what the test gives it, a piece at a time.
class GivenBody final : public BodySource {
 public:
  explicit GivenBody(Event& arrived, BodyPiece& next) : arrived_(arrived), next_(next) {}
  Task<BodyPiece> Read() override {
    co_await arrived_.Wait();
    arrived_.Reset();
    co_return std::move(next_);
  }

 private:
  Event& arrived_;
  BodyPiece& next_;
};

class KeptBodyTest : public testing::Test {
 protected:
  void Make(uint64_t limit = 100) {
    kept_ = KeptBody::Make(Body(Buffer(), std::make_unique<GivenBody>(arrived_, next_), std::nullopt), limit,
                           exchange_);
  }
  void Give(std::string_view text, bool end = false) {
    next_ = BodyPiece();
    next_.data.Append(text);
    next_.end = end;
    if (end) {
      next_.trailers = std::make_unique<HeaderMap>();
      next_.trailers->Add("x-sum", "7");
    }
    arrived_.Set();
  }
  // Begins to read `body` to its end.
  Task<void> ReadTo(Body& body, std::string& text) {
    for (;;) {
      BodyPiece piece = co_await body.Read();
      text += piece.data.ToString();
      if (piece.trailers != nullptr) text += " sum " + std::string(piece.trailers->Get("x-sum"));
      if (piece.end || piece.error != nullptr) co_return;
    }
  }
  std::string ReadAgain() {
    Body body = KeptBody::Again(kept_);
    std::string text;
    Task<void> reading = ReadTo(body, text);
    reading.Start();
    EXPECT_TRUE(reading.done());
    return text;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  Event arrived_;
  BodyPiece next_;
  std::shared_ptr<KeptBody> kept_;
};

TEST_F(KeptBodyTest, GivesACompleteBodyAsOftenAsAsked) {
  kept_ = KeptBody::Make(Body("order"), 1, exchange_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReadAgain(), "order");
  EXPECT_EQ(KeptBody::Again(kept_).length(), 5u);
}

TEST_F(KeptBodyTest, NoBodyStaysNone) {
  kept_ = KeptBody::Make(Body(), 1, exchange_);
  EXPECT_TRUE(KeptBody::Again(kept_).absent());
}

TEST_F(KeptBodyTest, GivesWhatItReadAgainAndGoesOn) {
  Make();
  std::string first, second;
  {
    Body body = KeptBody::Again(kept_);
    Task<void> reading = ReadTo(body, first);
    reading.Start();
    Give("one ");
    Give("two ");
    EXPECT_EQ(kept_->lost(), KeptBody::Lost::kInTransit);
    Give("three", true);
    EXPECT_TRUE(reading.done());
  }
  EXPECT_EQ(first, "one two three sum 7");
  EXPECT_EQ(kept_->lost(), KeptBody::Lost::kNo);
  EXPECT_EQ(ReadAgain(), first);
}

TEST_F(KeptBodyTest, IsLostWhenAReadIsCalledOff) {
  Make();
  std::string text;
  {
    Body body = KeptBody::Again(kept_);
    Task<void> reading = ReadTo(body, text);
    reading.Start();
    Give("one ");
  }
  EXPECT_EQ(kept_->lost(), KeptBody::Lost::kInTransit);
}

TEST_F(KeptBodyTest, PassesOnWhatItMayNotKeep) {
  Make(/*limit=*/6);
  std::string text;
  Body body = KeptBody::Again(kept_);
  Task<void> reading = ReadTo(body, text);
  reading.Start();
  Give("12345");
  Give("67");
  Give("", true);
  EXPECT_EQ(text, "1234567 sum 7");
  EXPECT_EQ(kept_->lost(), KeptBody::Lost::kTooLong);
}

TEST_F(KeptBodyTest, WhatItKeepsCountsAsHeldForTheExchange) {
  Make();
  EXPECT_EQ(exchange_.held_bytes.Total(), 0u);
  {
    std::string text;
    Body body = KeptBody::Again(kept_);
    Task<void> reading = ReadTo(body, text);
    reading.Start();
    Give("one ");
    EXPECT_EQ(exchange_.held_bytes.Total(), 4u);
    kept_->StopKeeping();
    EXPECT_EQ(exchange_.held_bytes.Total(), 0u);
  }
  kept_ = KeptBody::Make(Body("order"), 1, exchange_);
  EXPECT_EQ(exchange_.held_bytes.Total(), 5u);
  kept_.reset();
  EXPECT_EQ(exchange_.held_bytes.Total(), 0u);
}

TEST_F(KeptBodyTest, KeepsNothingOnceToldTo) {
  Make();
  std::string text;
  Body body = KeptBody::Again(kept_);
  Task<void> reading = ReadTo(body, text);
  reading.Start();
  Give("one ");
  kept_->StopKeeping();
  Give("two", true);
  EXPECT_EQ(text, "one two sum 7");
}

TEST_F(KeptBodyTest, AWorkerKeepsNoMoreThanItsBudget) {
  Buffer large;
  large.Append(std::string(KeptBody::kWorkerBudget, 'x'));
  std::shared_ptr<KeptBody> other = KeptBody::Make(Body(std::move(large)), 0, exchange_);
  Make();
  std::string text;
  Body body = KeptBody::Again(kept_);
  Task<void> reading = ReadTo(body, text);
  reading.Start();
  Give("one", true);
  EXPECT_EQ(kept_->lost(), KeptBody::Lost::kBudget);
  other.reset();
  Make();
  Body next = KeptBody::Again(kept_);
  Task<void> again = ReadTo(next, text);
  again.Start();
  Give("two", true);
  EXPECT_EQ(kept_->lost(), KeptBody::Lost::kNo);
}

}  // namespace
}  // namespace narthex
