// The bodies of gRPC-Web requests in base64.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "test/filters/grpc_web_fixture.h"

namespace narthex::testing {
namespace {

TEST(GrpcWebText, DecodesATextHoweverItIsCut) {
  struct Case {
    std::string text;
    std::string bytes;
  };
  const Case kCases[] = {
      {std::string(kHello), Frame("hello")},
      {std::string(kHello).append(kGoodBye), Frame("hello") + Frame("good bye")},  // padding within
      {"QQ==QUI=QUJD", "AABABC"},
      {"+/+/", "\xfb\xff\xbf"},
      {"", ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    ForEveryCut(*Filter(), Call(kText, c.text), [&](const Outcome& outcome) {
      ASSERT_TRUE(outcome.forwarded);
      EXPECT_EQ(outcome.forwarded->body, c.bytes);
      EXPECT_FALSE(outcome.forwarded->breaks_off);
      EXPECT_EQ(outcome.status(), 200);
    });
  }
}

TEST(GrpcWebText, BreaksARequestOffWhereItStopsToBeBase64) {
  for (const std::string text :
       {"AAAA*AAA", "AAAAA", "AAAAAA=", "AAAAAAA", "AAAA=AAA", "AAAAA=AA",
        "AAAAA===", "AAAAAB==", "AAAAAAB=", "AAAA\r\nAAAA", "AAAA-_-_", "AAAA====", "AAAAAA=A"}) {
    SCOPED_TRACE(text);
    ForEveryCut(*Filter(), Call(kText, text), [&](const Outcome& outcome) {
      ASSERT_TRUE(outcome.forwarded);
      EXPECT_TRUE(outcome.forwarded->breaks_off);
    });
  }
}

// The filter with a request whose body is here whole.
class WithWholeBody : public HttpFilter {
 public:
  explicit WithWholeBody(std::string body) : body_(std::move(body)) {}
  Task<Response> Handle(Request request, Next next) const override {
    request.set_body(Body(body_));
    return filter_->Handle(std::move(request), next);
  }

 private:
  const std::string body_;
  const std::shared_ptr<const HttpFilter> filter_ = Filter();
};

TEST(GrpcWebText, RefusesAWholeBodyBeforeAnybodySeesIt) {
  struct Case {
    std::string text;
    std::string_view detail;
  };
  for (const Case& c :
       {Case{"AAAA*AAA", "grpc_base_64_decode_failed"}, {"AAAAB", "grpc_base_64_decode_failed_bad_size"}}) {
    SCOPED_TRACE(c.text);
    const Outcome outcome = RunFilter(WithWholeBody(c.text), Call(kText));
    EXPECT_FALSE(outcome.forwarded);
    EXPECT_EQ(outcome.status(), 400);
    EXPECT_EQ(outcome.detail, c.detail);
    EXPECT_EQ(outcome.response.body, "Bad gRPC-web request, invalid base64 data.");
    EXPECT_EQ(outcome.response.Get("content-length"), std::to_string(outcome.response.body.size()));
  }
  const Outcome good = RunFilter(WithWholeBody(std::string(kHello).append(kGoodBye)), Call(kText));
  ASSERT_TRUE(good.forwarded);
  EXPECT_EQ(good.forwarded->body, Frame("hello") + Frame("good bye"));
  EXPECT_EQ(good.suspensions, RunFilter(WithWholeBody(""), Call(kText)).suspensions) << "it stays whole";
}

// What the router does with a request that breaks off.
class AnswersTheError : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next) const override {
    WholeBody whole = co_await ReadAll(request.body(), 1000);
    co_return whole.error == nullptr ? Response(200) : LocalReplyFor(std::move(*whole.error));
  }
};

class BeforeOneThatAnswers : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next) const override {
    return filter_->Handle(std::move(request), Next(chain_.data()));
  }

 private:
  const FilterChain chain_ = {{"answers", std::make_shared<AnswersTheError>()}};
  const std::shared_ptr<const HttpFilter> filter_ = Filter();
};

TEST(GrpcWebText, SaysWhyARequestWasBrokenOff) {
  ForEveryCut(BeforeOneThatAnswers(), Call(kText, "AAAAAAAAA"), [](const Outcome& outcome) {
    EXPECT_EQ(outcome.status(), 400);
    EXPECT_EQ(outcome.detail, "grpc_base_64_decode_failed_bad_size");
    EXPECT_EQ(outcome.response.body, "Bad gRPC-web request, invalid base64 data.");
  });
}

TEST(GrpcWebText, KeepsTheTrailersOfATextRequest) {
  Scenario scenario = Call(kText, std::string(kHello));
  scenario.request.trailers = Fields{{"x-sum", "1"}};
  const Outcome outcome = RunFilter(*Filter(), scenario);
  EXPECT_EQ(outcome.forwarded->trailers, scenario.request.trailers);
}

}  // namespace
}  // namespace narthex::testing
