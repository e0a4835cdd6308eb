#include "source/substitution/operators.h"

#include <cstdlib>

#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "source/substitution/json_format.h"

namespace narthex {
namespace {

class OperatorsTest : public ::testing::Test {
 protected:
  std::string Format(std::string_view format) {
    auto formatter = SubstitutionFormatter::Parse(format, ConfigPath());
    EXPECT_TRUE(formatter.ok()) << formatter.status();
    if (!formatter.ok()) return "";
    return formatter->Format({&exchange_, &exchange_.request_headers, &response_, &trailers_, body_});
  }
  std::string ErrorOf(std::string_view format) {
    return std::string(SubstitutionFormatter::Parse(format, ConfigPath()).status().message());
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  HeaderMap response_;
  HeaderMap trailers_;
  std::string body_;
};

TEST_F(OperatorsTest, EveryOneStandsInATableOnceAndCopesWithNothing) {
  for (const auto table : {HeaderOperators(), ExchangeOperators(), AddressOperators(), TimeOperators()}) {
    for (const FormatOperator& one : table) {
      EXPECT_EQ(FindFormatOperator(one.name), &one) << one.name;
      FormatValue value;
      one.function(FormatContext{}, FormatArguments{}, value);
      one.function(FormatContext{&exchange_, nullptr, nullptr, nullptr, {}}, FormatArguments{}, value);
    }
  }
}

TEST_F(OperatorsTest, EveryTier1OperatorIsKnown) {
  for (const char* format : {"%START_TIME%",
                             "%REQ(a)%",
                             "%RESP(a)%",
                             "%TRAILER(a)%",
                             "%PROTOCOL%",
                             "%RESPONSE_CODE%",
                             "%RESPONSE_CODE_DETAILS%",
                             "%RESPONSE_FLAGS%",
                             "%RESPONSE_FLAGS_LONG%",
                             "%CONNECTION_TERMINATION_DETAILS%",
                             "%ROUTE_NAME%",
                             "%BYTES_RECEIVED%",
                             "%BYTES_SENT%",
                             "%BYTES_RETRANSMITTED%",
                             "%DURATION%",
                             "%REQUEST_DURATION%",
                             "%REQUEST_TX_DURATION%",
                             "%RESPONSE_DURATION%",
                             "%RESPONSE_TX_DURATION%",
                             "%COMMON_DURATION(DS_RX_BEG:DS_TX_END)%",
                             "%UPSTREAM_HOST%",
                             "%UPSTREAM_CLUSTER%",
                             "%UPSTREAM_LOCAL_ADDRESS%",
                             "%UPSTREAM_PROTOCOL%",
                             "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
                             "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
                             "%DOWNSTREAM_REMOTE_ADDRESS%",
                             "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
                             "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
                             "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
                             "%DOWNSTREAM_LOCAL_ADDRESS%",
                             "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
                             "%REQUESTED_SERVER_NAME%",
                             "%DOWNSTREAM_TLS_VERSION%",
                             "%DOWNSTREAM_TLS_CIPHER%",
                             "%DOWNSTREAM_PEER_SUBJECT%",
                             "%DOWNSTREAM_PEER_URI_SAN%",
                             "%CONNECTION_ID%",
                             "%STREAM_ID%",
                             "%HOSTNAME%",
                             "%DYNAMIC_METADATA(a:b)%",
                             "%GRPC_STATUS%",
                             "%GRPC_STATUS_NUMBER%",
                             "%ENVIRONMENT(PATH)%",
                             "%LOCAL_REPLY_BODY%",
                             "%PATH%",
                             "%TRACE_ID%"}) {
    EXPECT_EQ(ErrorOf(format), "") << format;
  }
}

TEST_F(OperatorsTest, ArgumentsAndLengthsStandOnlyWhereTheyMeanSomething) {
  EXPECT_NE(ErrorOf("%DURATION(x)%").find("takes no argument"), std::string::npos);
  EXPECT_NE(ErrorOf("%DURATION:3%").find("takes no length"), std::string::npos);
  EXPECT_NE(ErrorOf("%REQ()%").find("needs an argument"), std::string::npos);
  EXPECT_NE(ErrorOf("%REQ(?b)%").find("names no header"), std::string::npos);
  EXPECT_NE(ErrorOf("%REQ(a):%").find("no number"), std::string::npos);
  EXPECT_NE(ErrorOf("%REQ(a):99999999999999999999%").find("no number"), std::string::npos);
  EXPECT_NE(ErrorOf("%DYNAMIC_METADATA(a:)%").find("namespace"), std::string::npos);
  EXPECT_NE(ErrorOf("%DYNAMIC_METADATA(:a)%").find("namespace"), std::string::npos);
  EXPECT_NE(ErrorOf("%GRPC_STATUS(X)%").find("CAMEL_STRING"), std::string::npos);
  EXPECT_NE(ErrorOf("%PATH(X)%").find("WQ or NQ"), std::string::npos);
  EXPECT_NE(ErrorOf("%PATH(WQ:X)%").find("ORIG_OR_PATH"), std::string::npos);
  EXPECT_NE(ErrorOf("%COMMON_DURATION(DS_RX_BEG)%").find("start and an end"), std::string::npos);
  EXPECT_NE(ErrorOf("%COMMON_DURATION(X:DS_TX_END)%").find("point in time \"X\""), std::string::npos);
  EXPECT_NE(ErrorOf("%COMMON_DURATION(DS_RX_BEG:DS_TX_END:s)%").find("precision"), std::string::npos);
  EXPECT_NE(ErrorOf("%START_TIME(%Q)%").find("time conversion \"%Q\""), std::string::npos);
  EXPECT_NE(ErrorOf("%RESPONSE_CODE_DETAILS(X)%").find("ALLOW_WHITESPACES"), std::string::npos);
}

TEST_F(OperatorsTest, TheHostOfARequestIsItsAuthority) {
  exchange_.request_headers.Add(":authority", "shop.example");
  EXPECT_EQ(Format("%REQ(Host)% %REQ(x?HOST)% %REQ(:AUTHORITY):4%"), "shop.example shop.example shop");
}

TEST_F(OperatorsTest, PathsBeforeAndAfterARewrite) {
  exchange_.request_headers.Add(":path", "/new?q=1");
  EXPECT_EQ(Format("%PATH% %PATH(NQ)% %PATH(WQ:ORIG)%"), "/new?q=1 /new -");
  exchange_.request_headers.Add("x-envoy-original-path", "/old?q=1");
  EXPECT_EQ(Format("%PATH% %PATH(NQ:PATH)% %PATH(NQ:ORIG)% %PATH(WQ):3%"), "/old?q=1 /new /old /ol");
}

TEST_F(OperatorsTest, DurationsAreAbsentUntilTheirPointsAreReached) {
  exchange_.times.start = 1'000;
  EXPECT_EQ(Format("%DURATION% %REQUEST_DURATION% %RESPONSE_TX_DURATION%"), "- - -");
  exchange_.times.request_end = 3'999;
  exchange_.times.upstream_start = 4'000;
  exchange_.times.upstream_end = 5'000;
  exchange_.times.response_head = 11'000;
  exchange_.times.end = 21'500;
  EXPECT_EQ(
      Format(
          "%REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION% %DURATION%"),
      "2 4 10 10 20");
  EXPECT_EQ(Format("%COMMON_DURATION(US_TX_BEG:US_RX_BEG)% %COMMON_DURATION(US_TX_BEG:DS_TX_END:us)% "
                   "%COMMON_DURATION(US_TX_BEG:US_TX_END:ns)% %COMMON_DURATION(US_CX_BEG:US_CX_END:ms)%"),
            "7 17500 1000000 -");
  exchange_.times.upstream_connect = 500;
  exchange_.times.upstream_connected = 2'500;
  exchange_.times.upstream_handshake = 2'600;
  exchange_.times.response_body = 12'000;
  EXPECT_EQ(Format("%COMMON_DURATION(US_CX_BEG:US_CX_END)% %COMMON_DURATION(US_CX_END:US_HS_END:us)% "
                   "%COMMON_DURATION(US_RX_BEG:US_RX_BODY_BEG)% %COMMON_DURATION(DS_RX_BEG:US_CX_BEG)%"),
            "2 100 1 -");
}

TEST_F(OperatorsTest, ANamespaceOfMetadataIsJson) {
  EXPECT_EQ(Format("%DYNAMIC_METADATA(jwt)%"), "-");
  exchange_.SetMetadata("jwt", "sub.name", "a\"da");
  exchange_.SetMetadata("jwt", "aud", "shop");
  exchange_.SetMetadata("jwt", "sub.id", "7");
  exchange_.SetMetadata("other", "x", "y");
  EXPECT_EQ(Format("%DYNAMIC_METADATA(jwt)%"), R"({"aud":"shop","sub":{"id":"7","name":"a\"da"}})");
  EXPECT_EQ(Format("%DYNAMIC_METADATA(jwt):5%"), "{\"aud");
  // As it is, in a line and as a value of JSON.
  const auto formatter = SubstitutionFormatter::Parse("%DYNAMIC_METADATA(other)%", ConfigPath());
  ASSERT_TRUE(formatter.ok());
  std::string line;
  formatter->AppendEscapedTo(line, {&exchange_, nullptr, nullptr, nullptr, {}});
  EXPECT_EQ(line, R"({"x":"y"})");
  google::protobuf::Struct fields;
  (*fields.mutable_fields())["m"].set_string_value("%DYNAMIC_METADATA(other)%");
  const auto json = JsonFormat::Compile(fields, ConfigPath(), false);
  ASSERT_TRUE(json.ok());
  std::string object;
  json->AppendTo(object, {&exchange_, nullptr, nullptr, nullptr, {}});
  EXPECT_EQ(object, R"({"m":{"x":"y"}})");
}

TEST_F(OperatorsTest, AddressesWithAndWithoutPort) {
  exchange_.client = *Address::Ip("10.1.2.3", 0);
  facts_.remote = *Address::Ip("::1", 4711);
  facts_.local = *Address::Unix("/run/x.sock");
  exchange_.upstream.host = *Address::Ip("192.0.2.1", 80);
  EXPECT_EQ(Format("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
            "10.1.2.3:0 10.1.2.3");
  EXPECT_EQ(Format("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% "
                   "%DOWNSTREAM_DIRECT_REMOTE_PORT%"),
            "[::1]:4711 ::1 4711");
  EXPECT_EQ(
      Format("%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%"),
      "/run/x.sock /run/x.sock -");
  EXPECT_EQ(Format("%UPSTREAM_HOST% %UPSTREAM_REMOTE_PORT% %UPSTREAM_LOCAL_ADDRESS%"), "192.0.2.1:80 80 -");
}

TEST_F(OperatorsTest, DetailsHaveNoSpacesUnlessAskedFor) {
  exchange_.response_details = "a b\tc";
  exchange_.upstream.transport_failure = "Connection refused";
  EXPECT_EQ(Format("%RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%"), "a_b_c a b\tc");
  EXPECT_EQ(Format("%UPSTREAM_TRANSPORT_FAILURE_REASON%"), "Connection_refused");
}

TEST_F(OperatorsTest, FlagsInBothForms) {
  EXPECT_EQ(Format("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%"), "- -");
  exchange_.AddFlag(ResponseFlag::kUpstreamConnectionFailure);
  exchange_.AddFlag(ResponseFlag::kUpstreamRetryLimitExceeded);
  EXPECT_EQ(Format("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%"),
            "UF,URX UpstreamConnectionFailure,UpstreamRetryLimitExceeded");
}

TEST_F(OperatorsTest, GrpcStatusFromTrailersThenHeadersThenHttp) {
  exchange_.response_status = 503;
  EXPECT_EQ(Format("%GRPC_STATUS%"), "-");  // not a gRPC request
  exchange_.request_headers.Add("content-type", "application/grpc+proto");
  EXPECT_EQ(Format("%GRPC_STATUS% %GRPC_STATUS_NUMBER%"), "Unavailable 14");
  response_.Add("grpc-status", "3");
  EXPECT_EQ(Format("%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)%"),
            "InvalidArgument INVALID_ARGUMENT 3");
  trailers_.Add("grpc-status", "99");
  EXPECT_EQ(Format("%GRPC_STATUS%"), "99");
  trailers_.Set("grpc-status", "x");
  EXPECT_EQ(Format("%GRPC_STATUS%"), "-");
}

TEST_F(OperatorsTest, GrpcStatusOfTrailersThatAFilterHasTakenAway) {
  exchange_.request_headers.Add("content-type", "application/grpc");
  exchange_.response_status = 200;
  exchange_.grpc_status = 7;
  EXPECT_EQ(Format("%GRPC_STATUS% %GRPC_STATUS_NUMBER%"), "PermissionDenied 7");
  response_.Add("grpc-status", "3");
  EXPECT_EQ(Format("%GRPC_STATUS_NUMBER%"), "7");
}

TEST_F(OperatorsTest, MetadataEnvironmentAndTheRest) {
  exchange_.SetMetadata("jwt", "sub.name", "ada");
  setenv("NARTHEX_OPERATORS_TEST", "value", 1);
  exchange_.route_name = "cart";
  exchange_.request_headers.Add("x-request-id", "r-1");
  exchange_.request_headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  body_ = "no route";
  EXPECT_EQ(
      Format("%DYNAMIC_METADATA(jwt:sub:name)% %DYNAMIC_METADATA(jwt:sub:name):2% %DYNAMIC_METADATA(a:b)%"),
      "ada ad -");
  EXPECT_EQ(Format("%ENVIRONMENT(NARTHEX_OPERATORS_TEST):3% %ENVIRONMENT(NARTHEX_NOT_SET)%"), "val -");
  EXPECT_EQ(Format("%ROUTE_NAME% %STREAM_ID% %LOCAL_REPLY_BODY%"), "cart r-1 no route");
  EXPECT_EQ(Format("%TRACE_ID%"), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(Format("%DOWNSTREAM_TLS_VERSION%"), "-");
}

}  // namespace
}  // namespace narthex
