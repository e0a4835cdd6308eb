#include "source/substitution/output_format.h"

#include "envoy/config/core/v3/base.pb.h"
#include "gtest/gtest.h"
#include "rapidjson/reader.h"
#include "source/config/document.h"
#include "source/event/event_loop.h"

namespace narthex {
namespace {

using Use = OutputFormat::Use;

bool IsJson(const std::string& text) {
  rapidjson::BaseReaderHandler<> ignore;
  rapidjson::StringStream stream(text.c_str());
  return !rapidjson::Reader().Parse<rapidjson::kParseValidateEncodingFlag>(stream, ignore).IsError();
}

class OutputFormatTest : public ::testing::Test {
 protected:
  absl::StatusOr<OutputFormat> Compile(std::string_view yaml, Use use) {
    Diagnostics diagnostics;
    EXPECT_TRUE(LoadString("format.yaml", yaml, message_, document_, diagnostics)) << diagnostics.ToText();
    return OutputFormat::Compile(message_, document_.Root(), use);
  }
  std::string Format(std::string_view yaml, Use use = Use::kLog) {
    auto format = Compile(yaml, use);
    EXPECT_TRUE(format.ok()) << format.status();
    std::string out;
    if (format.ok()) format->AppendTo(out, Context());
    return out;
  }
  FormatContext Context() { return {&exchange_, &exchange_.request_headers, &response_, nullptr, {}}; }

  envoy::config::core::v3::SubstitutionFormatString message_;
  ConfigDocument document_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  HeaderMap response_;
};

TEST_F(OutputFormatTest, TextIsEscapedInALogOnly) {
  exchange_.request_headers.Add("x", "a\"\x01");
  constexpr std::string_view kYaml = R"(text_format_source: {inline_string: "%REQ(x)% %REQ(y)%\n"})";
  EXPECT_EQ(Format(kYaml, Use::kLog), "a\\\"\\x01 -\n");
  EXPECT_EQ(Format(kYaml, Use::kBody), "a\"\x01 -\n");
}

TEST_F(OutputFormatTest, OmitsEmptyValuesOfAText) {
  EXPECT_EQ(Format("{text_format_source: {inline_string: '[%REQ(y)%]'}, omit_empty_values: true}"), "[]");
}

TEST_F(OutputFormatTest, JsonKeepsTypesAndSortsKeys) {
  exchange_.response_status = 200;
  exchange_.request_headers.Add(":path", "/a\"b");
  EXPECT_EQ(Format(R"(
json_format:
  status: "%RESPONSE_CODE%"
  path: "%REQ(:PATH)%"
  flags: "%RESPONSE_FLAGS%"
  mixed: "%RESPONSE_CODE% %REQ(none)%"
  absent: "%REQ(none)%"
  nested: {bytes: "%BYTES_SENT%", list: ["%PROTOCOL%", 1.5, true, null, "text"]}
)"),
            R"({"absent":null,"flags":"-","mixed":"200 -",)"
            R"("nested":{"bytes":0,"list":["HTTP/1.1",1.5,true,null,"text"]},)"
            R"("path":"/a\"b","status":200})"
            "\n");
}

TEST_F(OutputFormatTest, JsonOmitsEmptyValues) {
  EXPECT_EQ(Format(R"(
json_format: {a: "%REQ(none)%", b: "%RESPONSE_CODE%", c: "<%REQ(none)%>", d: {e: "%REQ(none)%"}, f: "%REQ(none)%"}
omit_empty_values: true
)"),
            "{\"b\":0,\"c\":\"<>\",\"d\":{}}\n");
}

TEST_F(OutputFormatTest, EveryByteLeavesJsonValid) {
  auto json = Compile("json_format: {\"k\\\"\\n\": '%REQ(x)%', m: 'a %REQ(x)% \"b'}", Use::kLog);
  auto text = Compile("text_format_source: {inline_string: \"\\\"%REQ(x)%\\\"\\n\"}", Use::kLog);
  ASSERT_TRUE(json.ok() && text.ok());
  for (int first = 0; first < 256; ++first) {
    for (const int second : {0x61, 0x80, 0xbf, 0x0a, 0}) {
      exchange_.request_headers.Clear();
      exchange_.request_headers.Add("x", std::string{static_cast<char>(first), static_cast<char>(second)});
      std::string line;
      json->AppendTo(line, Context());
      EXPECT_TRUE(IsJson(line)) << line;
      EXPECT_EQ(line.find('\n'), line.size() - 1);
      line.clear();
      text->AppendTo(line, Context());
      EXPECT_EQ(line.find('\n'), line.size() - 1);
      EXPECT_EQ(line.find_first_of(std::string_view("\0\r\x1b\x7f", 4)), std::string::npos);
    }
  }
}

TEST_F(OutputFormatTest, ContentTypeIsTheFormatsUnlessConfigured) {
  EXPECT_EQ(Compile("text_format_source: {inline_string: x}", Use::kBody)->content_type(), "text/plain");
  EXPECT_EQ(Compile("json_format: {a: b}", Use::kBody)->content_type(), "application/json");
  EXPECT_EQ(
      Compile("{json_format: {a: b}, content_type: application/problem+json}", Use::kBody)->content_type(),
      "application/problem+json");
}

TEST_F(OutputFormatTest, ErrorsNameTheirPlace) {
  absl::Status status = Compile("text_format_source:\n  inline_string: '%NONE%'", Use::kLog).status();
  EXPECT_NE(status.message().find("format.yaml:2:"), absl::string_view::npos) << status;
  status = Compile("json_format:\n  a:\n    b: '%REQ(%'", Use::kLog).status();
  EXPECT_NE(status.message().find("format.yaml:3:"), absl::string_view::npos) << status;
  status = Compile("text_format_source: {filename: /nonexistent/format}", Use::kLog).status();
  EXPECT_NE(status.message().find("/nonexistent/format"), absl::string_view::npos) << status;
}

TEST_F(OutputFormatTest, TheDefaultIsEnvoys) {
  exchange_.times.start_wall =
      std::chrono::system_clock::time_point(std::chrono::milliseconds(1'767'225'600'007));
  exchange_.times.start = 1'000;
  exchange_.times.end = 4'000;
  exchange_.response_status = 200;
  exchange_.response_body_bytes = 12;
  exchange_.request_headers.Add(":method", "GET");
  exchange_.request_headers.Add(":path", "/x");
  exchange_.request_headers.Add(":authority", "shop");
  exchange_.upstream.host = *Address::Ip("127.0.0.1", 80);
  std::string out;
  OutputFormat::DefaultLog().AppendTo(out, Context());
  EXPECT_EQ(out,
            "[2026-01-01T00:00:00.007Z] \"GET /x HTTP/1.1\" 200 - 0 12 3 - \"-\" \"-\" \"-\" \"shop\" "
            "\"127.0.0.1:80\"\n");
}

}  // namespace
}  // namespace narthex
