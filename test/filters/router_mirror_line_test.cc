#include <memory>
#include <optional>
#include <string>

#include "filters/router/mirror_line.h"
#include "gtest/gtest.h"
#include "test/filters/fake_loop.h"

namespace narthex::testing {
namespace {

// A request's body that the test gives piece by piece.
class GivenBody final : public BodySource {
 public:
  GivenBody(Event& arrived, BodyPiece& next) : arrived_(arrived), next_(next) {}
  Task<BodyPiece> Read() override {
    co_await arrived_.Wait();
    arrived_.Reset();
    co_return std::move(next_);
  }

 private:
  Event& arrived_;
  BodyPiece& next_;
};

Task<void> ReadTo(Body& body, std::string& text) {
  for (;;) {
    BodyPiece piece = co_await body.Read();
    text += piece.data.ToString();
    if (piece.trailers != nullptr) text += " sum " + std::string(piece.trailers->Get("x-sum"));
    if (piece.end || piece.error != nullptr) co_return;
  }
}

class MirrorLineTest : public ::testing::Test {
 protected:
  void Make(uint64_t limit = 100) {
    line_ = std::make_shared<MirrorLine>(loop_, limit);
    copy_ = line_->Read(std::nullopt, &ended_us_, &MirrorLineTest::OnLost, this);
    original_ =
        MirrorBody(Body(Buffer(), std::make_unique<GivenBody>(arrived_, next_), std::nullopt), {line_});
    request_ = ReadTo(original_, sent_);
    request_.Start();
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
  void StartCopy() {
    mirror_ = ReadTo(copy_, copied_);
    mirror_.Start();
  }
  static void OnLost(void* self, MirrorLine::Lost lost) { static_cast<MirrorLineTest*>(self)->lost_ = lost; }

  FakeLoop loop_;
  Event arrived_;
  BodyPiece next_;
  uint64_t ended_us_ = 0;
  std::optional<MirrorLine::Lost> lost_;
  std::string sent_, copied_;
  std::shared_ptr<MirrorLine> line_;
  Body original_, copy_;
  Task<void> request_, mirror_;
};

TEST_F(MirrorLineTest, CarriesTheSameBody) {
  Make();
  StartCopy();
  Give("one ");
  EXPECT_EQ(sent_, "one ");
  EXPECT_EQ(copied_, "");  // not before the turn's end
  loop_.RunOnce();
  EXPECT_EQ(copied_, "one ");
  Give("two", true);
  loop_.RunOnce();
  EXPECT_EQ(sent_, "one two sum 7");
  EXPECT_EQ(copied_, sent_);
  EXPECT_TRUE(mirror_.done());
  EXPECT_EQ(ended_us_, loop_.NowUs());
  original_ = Body();
  loop_.RunOnce();
  EXPECT_FALSE(lost_.has_value());
}

TEST_F(MirrorLineTest, KeepsWhatTheMirrorHasNotReadYet) {
  Make();
  Give("one ");
  Give("two", true);
  StartCopy();
  EXPECT_EQ(copied_, "one two sum 7");
}

TEST_F(MirrorLineTest, AMirrorThatLagsIsGivenUpAndTheRequestGoesOn) {
  Make(/*limit=*/6);
  Give("12345");
  Give("67");
  EXPECT_FALSE(lost_.has_value());  // told at the turn's end
  loop_.RunOnce();
  EXPECT_EQ(lost_, MirrorLine::Lost::kLags);
  Give("8", true);
  EXPECT_EQ(sent_,
            "12345678"
            " sum 7");
}

TEST_F(MirrorLineTest, ARequestThatBreaksOffBreaksTheCopyOff) {
  Make();
  Give("one ");
  request_.Cancel();
  original_ = Body();
  loop_.RunOnce();
  EXPECT_EQ(lost_, MirrorLine::Lost::kBrokenOff);
}

TEST_F(MirrorLineTest, AMirrorThatIsGoneCostsNothing) {
  Make(/*limit=*/6);
  copy_ = Body();
  Give("12345");
  Give("67", true);
  loop_.RunOnce();
  EXPECT_EQ(sent_, "1234567 sum 7");
  EXPECT_FALSE(lost_.has_value());
}

TEST_F(MirrorLineTest, AWorkersMirrorsKeepNoMoreThanTheirBudget) {
  MirrorLine other(loop_, 0);
  EXPECT_TRUE(other.Hold(MirrorLine::kWorkerBudget));
  EXPECT_FALSE(other.Hold(1));
  Make();
  Give("one");
  loop_.RunOnce();
  EXPECT_EQ(lost_, MirrorLine::Lost::kBudget);
}

TEST_F(MirrorLineTest, WhatWasReadOrLostIsNotCounted) {
  Make();
  StartCopy();
  Give("one ");
  loop_.RunOnce();
  Give("waits");
  mirror_.Cancel();
  copy_ = Body();
  request_.Cancel();
  original_ = Body();
  line_.reset();
  MirrorLine other(loop_, 0);
  EXPECT_TRUE(other.Hold(MirrorLine::kWorkerBudget));
}

}  // namespace
}  // namespace narthex::testing
