#include "filters/buffer/buffer.h"

#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::buffer::v3;

std::shared_ptr<const HttpFilter> BufferOf(uint32_t limit) {
  v3::Buffer config;
  config.mutable_max_request_bytes()->set_value(limit);
  return Make(BufferFilter(), config);
}

Scenario Upload(std::string body, bool chunked) {
  Scenario scenario;
  scenario.request.body = std::move(body);
  scenario.request.chunked = chunked;
  scenario.response.body = "thanks";
  return scenario;
}

TEST(Buffer, GivesAChunkedBodyALengthHoweverItArrives) {
  ForEveryCut(*BufferOf(11), Upload("hello world", true), [](const Outcome& outcome) {
    ASSERT_TRUE(outcome.forwarded);
    EXPECT_EQ(outcome.forwarded->body, "hello world");
    EXPECT_EQ(outcome.forwarded->Get("content-length"), "11");
    EXPECT_FALSE(outcome.forwarded->chunked);
    EXPECT_EQ(outcome.status(), 200);
    EXPECT_EQ(outcome.response.body, "thanks");
  });
}

TEST(Buffer, RefusesAChunkedBodyAboveTheLimitHoweverItArrives) {
  ForEveryCut(*BufferOf(10), Upload("hello world", true), [](const Outcome& outcome) {
    EXPECT_FALSE(outcome.forwarded);
    EXPECT_EQ(outcome.status(), 413);
    EXPECT_EQ(outcome.response.body, "Payload Too Large");
    EXPECT_EQ(outcome.detail, "request_payload_too_large");
  });
}

TEST(Buffer, RefusesADeclaredLengthBeforeReadingAByte) {
  const uint64_t before = StatsStore::Process().ValueOf("http.test.downstream_rq_too_large");
  const Outcome outcome = RunFilter(*BufferOf(10), Upload("hello world", false));
  EXPECT_EQ(outcome.status(), 413);
  EXPECT_EQ(outcome.suspensions, 0);
  EXPECT_EQ(StatsStore::Process().ValueOf("http.test.downstream_rq_too_large"), before + 1);
}

TEST(Buffer, KeepsTrailersAndThenGivesNoLength) {
  Scenario scenario = Upload("hello", true);
  scenario.request.trailers = Fields{{"x-sum", "5"}};
  const Outcome outcome = RunFilter(*BufferOf(10), scenario);
  ASSERT_TRUE(outcome.forwarded);
  EXPECT_EQ(outcome.forwarded->trailers, scenario.request.trailers);
  EXPECT_EQ(outcome.forwarded->Get("content-length"), "(none)");
}

TEST(Buffer, PassesARequestWithoutBodyOnAsItIs) {
  const Outcome outcome = RunFilter(*BufferOf(10), Scenario());
  ASSERT_TRUE(outcome.forwarded);
  EXPECT_EQ(outcome.forwarded->Get("content-length"), "(none)");
}

TEST(Buffer, ForwardsNothingOfABodyThatBreaksOff) {
  Scenario scenario = Upload("hello", true);
  scenario.request.breaks_off = true;
  const Outcome outcome = RunFilter(*BufferOf(10), scenario);
  EXPECT_FALSE(outcome.forwarded);
  EXPECT_GE(outcome.status(), 400);
}

TEST(Buffer, TakesTheRoutesLimitOrNone) {
  const FilterFactory factory = BufferFilter();
  Scenario scenario = Upload("hello world", true);
  scenario.route_configs = {
      {std::string(factory.name),
       MakeRoute(factory, Parse<v3::BufferPerRoute>("buffer { max_request_bytes { value: 5 } }"))}};
  EXPECT_EQ(RunFilter(*BufferOf(100), scenario).status(), 413);

  scenario.route_configs[0].second = MakeRoute(factory, Parse<v3::BufferPerRoute>("disabled: true"));
  const Outcome unbuffered = RunFilter(*BufferOf(1), scenario);
  ASSERT_TRUE(unbuffered.forwarded);
  EXPECT_EQ(unbuffered.forwarded->body, "hello world");
  EXPECT_TRUE(unbuffered.forwarded->chunked);
}

TEST(Buffer, LeavesNothingBehindWhenTheClientGoesAway) {
  Scenario scenario = Upload("hello", true);
  scenario.cuts = {1, 2, 3, 4};
  CancelAtEverySuspension(*BufferOf(10), scenario);
}

}  // namespace
}  // namespace narthex::testing
