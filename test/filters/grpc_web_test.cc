#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "test/filters/grpc_web_fixture.h"

namespace narthex::testing {
namespace {

TEST(GrpcWeb, MakesAGrpcRequestOfIt) {
  const Outcome outcome = RunFilter(*Filter(), Call(kWeb));
  ASSERT_TRUE(outcome.forwarded);
  EXPECT_EQ(outcome.forwarded->Get("content-type"), "application/grpc");
  EXPECT_EQ(outcome.forwarded->Get("te"), "trailers");
  EXPECT_EQ(outcome.forwarded->Get("grpc-accept-encoding"), "identity");
  EXPECT_EQ(outcome.forwarded->Get("content-length"), "(none)");
  EXPECT_EQ(outcome.forwarded->body, Frame("hello"));
}

TEST(GrpcWeb, LeavesTheEncodingsThatTheClientNames) {
  Scenario scenario = Call(kWeb);
  scenario.request.headers.emplace_back("te", "gzip");
  scenario.request.headers.emplace_back("grpc-accept-encoding", "gzip");
  const Outcome outcome = RunFilter(*Filter(), scenario);
  EXPECT_EQ(outcome.forwarded->Get("grpc-accept-encoding"), "gzip");
  EXPECT_EQ(outcome.forwarded->Get("te"), "trailers");
}

TEST(GrpcWeb, ChoosesTheTypesByWhatTheClientSent) {
  struct Case {
    std::string_view content_type;
    std::string_view accept;
    std::string_view forwarded;
    std::string_view answered;
  };
  const Case kCases[] = {
      {kWeb, "", "application/grpc", kWebProto},
      {kWebProto, "*/*", "application/grpc", kWebProto},
      {"Application/gRPC-Web ; charset=utf-8", "", "application/grpc", kWebProto},
      {"application/grpc-web+json", "", "application/grpc+json", "application/grpc-web+json"},
      {kText, "", "application/grpc", kWebProto},
      {kText, kText, "application/grpc", kTextProto},
      {kTextProto, kTextProto, "application/grpc", kTextProto},
      {kText, "text/plain, application/grpc-web-text ;q=1", "application/grpc", kTextProto},
      {kText, "application/grpc-web, application/grpc-web-text", "application/grpc", kWebProto},
      {kWeb, kText, "application/grpc", kTextProto},
      {"application/grpc-web-text+json", kText, "application/grpc+json", "application/grpc-web-text+json"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.content_type) + " accepts " + std::string(c.accept));
    const bool text = c.content_type.find("-text") != std::string_view::npos;
    const Outcome outcome =
        RunFilter(*Filter(), Call(c.content_type, text ? std::string(kHello) : Frame("hello"), c.accept));
    ASSERT_TRUE(outcome.forwarded);
    EXPECT_EQ(outcome.forwarded->Get("content-type"), c.forwarded);
    EXPECT_EQ(outcome.forwarded->body, Frame("hello"));
    EXPECT_EQ(outcome.response.Get("content-type"), c.answered);
  }
}

TEST(GrpcWeb, LeavesOtherTypesAlone) {
  for (const std::string_view type :
       {"application/grpc", "application/grpc+proto", "application/grpc-webx", "application/grpc-web+",
        "application/grpc-web+a/b", "application/grpc-web-textual", "application/json", ""}) {
    SCOPED_TRACE(type);
    const Scenario scenario = Call(type, std::string(kHello));
    const Outcome outcome = RunFilter(*Filter(), scenario);
    ASSERT_TRUE(outcome.forwarded);
    EXPECT_EQ(outcome.forwarded->headers, scenario.request.headers);
    EXPECT_EQ(outcome.forwarded->body, kHello);
    EXPECT_EQ(outcome.response, scenario.response);
  }
}

TEST(GrpcWeb, PutsTheTrailersBehindTheLastMessage) {
  ForEveryCut(*Filter(), Call(kWeb), [](const Outcome& outcome) {
    EXPECT_EQ(outcome.response.body, Frame("hello") + Frame("good bye") + TrailersFrameBytes());
    EXPECT_EQ(outcome.response.trailers, std::nullopt);
    EXPECT_TRUE(outcome.response.chunked);
  });
}

TEST(GrpcWeb, EncodesEachMessageOfATextOnItsOwn) {
  const std::string expected = std::string(kHello).append(kGoodBye).append(kTrailers);
  ForEveryCut(*Filter(), Call(kWeb, Frame("hello"), kText), [&](const Outcome& outcome) {
    EXPECT_EQ(outcome.response.body, expected);
    EXPECT_EQ(outcome.response.trailers, std::nullopt);
  });
}

TEST(GrpcWeb, PadsAMessageThatEndsEarlyAndPassesEmptyOnes) {
  Scenario scenario = Call(kWeb, {}, kText);
  scenario.response.body = Frame("") + Frame("hello").substr(0, 8);
  ForEveryCut(*Filter(), scenario, [](const Outcome& outcome) {
    EXPECT_EQ(outcome.response.body, std::string("AAAAAAA=") + "AAAAAAVoZWw=" + std::string(kTrailers));
  });
}

TEST(GrpcWeb, LeavesTheStatusOfACallWithoutMessagesInTheHeaders) {
  Scenario scenario = Call(kWeb, Frame("hello"), kText);
  scenario.response =
      WithHeaders({{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "5"}});
  const Outcome outcome = RunFilter(*Filter(), scenario);
  EXPECT_EQ(outcome.response.Get("content-type"), kTextProto);
  EXPECT_EQ(outcome.response.Get("grpc-status"), "5");
  EXPECT_EQ(outcome.response.body, "");
}

TEST(GrpcWeb, MakesTrailersOnlyOfWhatIsNoGrpc) {
  struct Case {
    std::string status;
    std::string content_type;
    std::string body;
    std::string grpc_status;
    std::string grpc_message;
  };
  const Case kCases[] = {
      {"503", "text/html", "<b>\n100%</b>", "14", "<b>%0A100%25</b>"},
      {"404", "text/html", "", "12", "(none)"},
      {"200", "text/plain", "hello", "2", "hello"},
      {"403", "application/grpc", "no", "7", "no"},
      {"200", "application/grpcx", "no", "2", "no"},
      {"200", "application/grpc", "", "2", "(none)"},
      {"500", "text/plain", std::string(40000, 'x'), "2", std::string(16384, 'x')},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.status + " " + c.content_type);
    Scenario scenario = Call(kWeb);
    scenario.response = WithHeaders({{":status", c.status}, {"content-type", c.content_type}});
    scenario.response.body = c.body;
    scenario.cuts = {3, 100, 20000};
    const Outcome outcome = RunFilter(*Filter(), scenario);
    EXPECT_EQ(outcome.response.Get(":status"), c.status);
    EXPECT_EQ(outcome.response.Get("content-type"), kWebProto);
    EXPECT_EQ(outcome.response.Get("grpc-status"), c.grpc_status);
    EXPECT_EQ(outcome.response.Get("grpc-message"), c.grpc_message);
    EXPECT_EQ(outcome.response.body, "");
  }
}

TEST(GrpcWeb, TellsNothingOfACompressedPage) {
  Scenario scenario = Call(kWeb);
  scenario.response =
      WithHeaders({{":status", "503"}, {"content-encoding", "gzip"}, {"content-length", "3"}});
  scenario.response.body = "\x1f\x8b\x08";
  const Outcome outcome = RunFilter(*Filter(), scenario);
  EXPECT_EQ(outcome.response.Get("grpc-status"), "14");
  EXPECT_EQ(outcome.response.Get("grpc-message"), "(none)");
  EXPECT_EQ(outcome.response.Get("content-encoding"), "(none)");
  EXPECT_EQ(outcome.response.Get("content-length"), "(none)");
}

TEST(GrpcWeb, PassesOnThatABodyBrokeOff) {
  Scenario scenario = Call(kWeb, Frame("hello"), kText);
  scenario.response.breaks_off = true;
  EXPECT_TRUE(RunFilter(*Filter(), scenario).response.breaks_off);
  scenario.response.headers.back().second = "text/plain";
  const Outcome outcome = RunFilter(*Filter(), scenario);
  EXPECT_EQ(outcome.detail, "broke_off");
  EXPECT_EQ(outcome.status(), 500);
}

TEST(GrpcWeb, LetsTheClientGoAwayAnywhere) {
  Scenario scenario = Call(kText, std::string(kHello), kText);
  scenario.cuts = {3, 9};
  CancelAtEverySuspension(*Filter(), scenario);
  scenario.response.headers.back().second = "text/plain";
  CancelAtEverySuspension(*Filter(), scenario);
}

}  // namespace
}  // namespace narthex::testing
