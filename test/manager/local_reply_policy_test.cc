#include "source/manager/local_reply_policy.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "test/manager/hcm_fixture.h"

namespace narthex {
namespace {

// The body in a form that shows what the format saw.
constexpr std::string_view kMappers = R"(
local_reply_config:
  mappers:
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: all}}}}
    status_code: 503
    body: {inline_string: "mapped"}
    headers_to_add:
    - {header: {key: x-was, value: "%RESPONSE_CODE%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
    body_format_override: {json_format: {code: "%RESPONSE_CODE%", body: "%LOCAL_REPLY_BODY%"}}
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: type}}}}
    headers_to_add:
    - {header: {key: content-type, value: "x/y"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: nothing}}}}
    body_format_override: {text_format_source: {inline_string: ""}}
  - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 418, runtime_key: k}}}}
    status_code: 204
  - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 503, runtime_key: k}}}}
    status_code: 500
  body_format:
    text_format_source: {inline_string: "<%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%RESPONSE_FLAGS%>"}
    content_type: "text/html"
)";

class LocalReplyPolicyTest : public ::testing::Test {
 protected:
  // The reply to a request with `request` headers beside :method.
  Response Finish(const LocalReplyPolicy* policy, Response reply,
                  std::initializer_list<std::pair<std::string_view, std::string_view>> request = {}) {
    for (const auto& [name, value] : request) exchange_.request_headers.Set(name, value);
    if (const ExchangeError* local = reply.local()) exchange_.AddFlag(local->flag);
    FinishLocalReply(policy, exchange_, reply);
    return reply;
  }
  static std::string Text(Response& reply) { return reply.body().buffered().ToString(); }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
};

TEST_F(LocalReplyPolicyTest, FormatsWhatNoMapperTakes) {
  const CompiledHcm hcm(kMappers);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  Response reply = Finish(hcm.config()->local_replies.get(),
                          LocalReply(404, "route_not_found", {}, ResponseFlag::kNoRouteFound));
  EXPECT_EQ(reply.status(), 404);
  EXPECT_EQ(Text(reply), "<|404|NR>");
  EXPECT_EQ(reply.headers().Get(Header::kContentType), "text/html");
  EXPECT_EQ(reply.headers().Get(Header::kContentLength), "9");
  EXPECT_EQ(exchange_.response_status, 404);
}

TEST_F(LocalReplyPolicyTest, TheFirstMapperThatMatchesDecides) {
  const CompiledHcm hcm(kMappers);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  Response reply =
      Finish(hcm.config()->local_replies.get(), LocalReply(418, "teapot", "brr"), {{"x-m", "all"}});
  EXPECT_EQ(reply.status(), 503);
  EXPECT_EQ(exchange_.response_status, 503);
  EXPECT_EQ(reply.headers().Get("x-was"), "418");
  EXPECT_EQ(Text(reply), "{\"body\":\"mapped\",\"code\":503}\n");
  EXPECT_EQ(reply.headers().Get(Header::kContentType), "application/json");
  EXPECT_EQ(reply.headers().Get(Header::kContentLength), std::to_string(Text(reply).size()));
  ASSERT_NE(reply.local(), nullptr);
}

TEST_F(LocalReplyPolicyTest, AContentTypeThatAMapperSetsIsKept) {
  const CompiledHcm hcm(kMappers);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  Response reply = Finish(hcm.config()->local_replies.get(), LocalReply(404, "d", "no"), {{"x-m", "type"}});
  EXPECT_EQ(reply.headers().Get(Header::kContentType), "x/y");
  EXPECT_EQ(Text(reply), "<no|404|->");
}

TEST_F(LocalReplyPolicyTest, AnEmptyBodyHasNoType) {
  const CompiledHcm hcm(kMappers);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  const LocalReplyPolicy* policy = hcm.config()->local_replies.get();
  Response nothing = Finish(policy, LocalReply(404, "d", "no"), {{"x-m", "nothing"}});
  EXPECT_TRUE(nothing.body().empty());
  EXPECT_FALSE(nothing.headers().Has(Header::kContentType));
  EXPECT_FALSE(nothing.headers().Has(Header::kContentLength));
  // RFC 9110 section 15.3.5: there is none in a 204, whatever the format says.
  Response no_content = Finish(policy, LocalReply(418, "d", "no"), {{"x-m", "none of them"}});
  EXPECT_EQ(no_content.status(), 204);
  EXPECT_TRUE(no_content.body().empty());
  EXPECT_FALSE(no_content.headers().Has(Header::kContentLength));
}

TEST_F(LocalReplyPolicyTest, AGrpcRequestIsAnsweredInHeadersOnly) {
  Response reply = Finish(nullptr, LocalReply(503, "overload", "100% busy ~\n"),
                          {{"content-type", "application/grpc+proto"}, {":method", "POST"}});
  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(exchange_.response_status, 200);
  EXPECT_EQ(reply.headers().Get(Header::kContentType), "application/grpc");
  EXPECT_EQ(reply.headers().Get(Header::kGrpcStatus), "14");
  EXPECT_EQ(reply.headers().Get(Header::kGrpcMessage), "100%25 busy %7E%0A");
  EXPECT_TRUE(reply.body().empty());
  EXPECT_FALSE(reply.headers().Has(Header::kContentLength));
}

TEST_F(LocalReplyPolicyTest, GrpcStatusIsTheRepliesOwnOrThatOfTheMappedCode) {
  const CompiledHcm hcm(kMappers);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  Response own = LocalReply(200, "fault_filter_abort", "fault");
  own.headers().Set(Header::kGrpcStatus, "7");
  own = Finish(hcm.config()->local_replies.get(), std::move(own), {{"content-type", "application/grpc"}});
  EXPECT_EQ(own.headers().Get(Header::kGrpcStatus), "7");
  EXPECT_EQ(own.headers().Get(Header::kGrpcMessage), "<fault|200|->");
  Response mapped = Finish(hcm.config()->local_replies.get(), LocalReply(503, "d", "no"));
  EXPECT_EQ(mapped.headers().Get(Header::kGrpcStatus), "2");  // of 500
  EXPECT_EQ(mapped.headers().Get(Header::kGrpcMessage), "<no|500|->");
  // The line feed behind JSON is no part of the message.
  Response json = Finish(hcm.config()->local_replies.get(), LocalReply(404, "d", "no"), {{"x-m", "all"}});
  EXPECT_EQ(json.headers().Get(Header::kGrpcMessage), "{\"body\":\"mapped\",\"code\":503}");
}

TEST_F(LocalReplyPolicyTest, AGrpcWebCallKeepsTheHttpStatusAndItsType) {
  exchange_.grpc_web_type = "application/grpc-web-text+proto";
  Response reply = Finish(nullptr, LocalReply(503, "d", "100% busy"), {{":method", "POST"}});
  EXPECT_EQ(reply.status(), 503);
  EXPECT_EQ(exchange_.response_status, 503);
  EXPECT_EQ(reply.headers().Get(Header::kContentType), "application/grpc-web-text+proto");
  EXPECT_EQ(reply.headers().Get(Header::kGrpcStatus), "14");
  EXPECT_EQ(reply.headers().Get(Header::kGrpcMessage), "100%25 busy");
  EXPECT_EQ(Text(reply), "");
}

TEST_F(LocalReplyPolicyTest, OtherContentTypesAndHeadAreNotGrpcsAffair) {
  EXPECT_EQ(Finish(nullptr, LocalReply(404, "d", "no"), {{"content-type", "application/grpc-web"}}).status(),
            404);
  EXPECT_EQ(Finish(nullptr, LocalReply(404, "d", "no"), {{"content-type", "application/grpc;x=1"}}).status(),
            404);
  Response head = Finish(nullptr, LocalReply(404, "d", "no"),
                         {{"content-type", "application/grpc"}, {":method", "HEAD"}});
  EXPECT_EQ(head.headers().Get(Header::kGrpcStatus), "12");
  EXPECT_FALSE(head.headers().Has(Header::kGrpcMessage));
}

TEST_F(LocalReplyPolicyTest, ABodyThatIsYetToComeIsLeftAlone) {
  class Source : public BodySource {
   public:
    Task<BodyPiece> Read() override { co_return BodyPiece{}; }
  };
  const CompiledHcm hcm(kMappers);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  Response reply = LocalReply(404, "d", "no");
  reply.set_body(Body(Buffer(), std::make_unique<Source>(), 5));
  reply = Finish(hcm.config()->local_replies.get(), std::move(reply));
  EXPECT_FALSE(reply.body().complete());
  EXPECT_EQ(reply.status(), 404);
}

TEST(LocalReplyPolicy, SaysWhatIsWrongAndWhere) {
  const CompiledHcm hcm(R"(
local_reply_config:
  mappers:
  - filter: {header_filter: {header: {name: x-m, string_match: {safe_regex: {regex: "("}}}}}
    body: {filename: /does/not/exist}
    headers_to_add: [{header: {key: ":status", value: "1"}}]
    body_format_override: {text_format_source: {inline_string: "%NOPE%"}}
  body_format: {json_format: {a: "%REQ(%"}}
)");
  EXPECT_EQ(hcm.config(), nullptr);
  for (const char* place : {"mappers[0].filter", "mappers[0].body.filename", "mappers[0].headers_to_add[0]",
                            "mappers[0].body_format_override", "body_format.json_format"}) {
    EXPECT_NE(hcm.errors().find(std::string("local_reply_config.") + place), std::string::npos)
        << place << "\n"
        << hcm.errors();
  }
}

}  // namespace
}  // namespace narthex
