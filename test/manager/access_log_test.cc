#include "source/manager/access_log.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "gtest/gtest.h"
#include "rapidjson/reader.h"
#include "source/config/document.h"
#include "source/event/event_loop.h"

namespace narthex {
namespace {

constexpr char kFileType[] = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

class AccessLogTest : public ::testing::Test {
 protected:
  AccessLogTest() {
    const char* base = std::getenv("TEST_TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/access_log." + std::to_string(getpid());
    unlink(path_.c_str());
    exchange_.request_headers.Add(":method", "GET");
    exchange_.request_headers.Add(":path", "/cart");
    exchange_.response_status = 200;
  }
  ~AccessLogTest() override { unlink(path_.c_str()); }

  std::shared_ptr<const AccessLog> Compile(const std::string& yaml) {
    envoy::config::accesslog::v3::AccessLog config;
    Diagnostics diagnostics;
    EXPECT_TRUE(LoadString("log.yaml", yaml, config, document_, diagnostics)) << diagnostics.ToText();
    auto log = AccessLog::Compile(config, document_.Root(), diagnostics);
    errors_ = diagnostics.ToText();
    EXPECT_EQ(log == nullptr, diagnostics.HasErrors());
    return log;
  }
  std::string File(const std::string& rest = "", const std::string& filter = "") {
    return "name: file\n" + filter + "typed_config:\n  \"@type\": " + kFileType + "\n  path: " + path_ +
           "\n" + rest;
  }
  std::string Logged(const AccessLog& log) {
    log.Log({&exchange_, &exchange_.request_headers, &response_, nullptr, {}});
    EXPECT_TRUE(AccessLogSink::FlushAll(std::chrono::seconds(20)));
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  std::string path_;
  std::string errors_;
  ConfigDocument document_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  HeaderMap response_;
};

TEST_F(AccessLogTest, WritesEnvoysDefaultFormat) {
  auto log = Compile(File());
  ASSERT_NE(log, nullptr) << errors_;
  const std::string line = Logged(*log);
  EXPECT_NE(line.find("\"GET /cart HTTP/1.1\" 200 - 0 0 - - \"-\" \"-\" \"-\" \"-\" \"-\"\n"),
            std::string::npos)
      << line;
}

TEST_F(AccessLogTest, WritesTextAndJson) {
  auto text = Compile(
      File("  log_format: {text_format_source: {inline_string: \"%RESPONSE_CODE% %REQ(:PATH)%\\n\"}}\n"));
  ASSERT_NE(text, nullptr) << errors_;
  EXPECT_EQ(Logged(*text), "200 /cart\n");
  auto json =
      Compile(File("  log_format: {json_format: {status: '%RESPONSE_CODE%', path: '%REQ(:PATH)%'}}\n"));
  ASSERT_NE(json, nullptr) << errors_;
  EXPECT_EQ(Logged(*json), "200 /cart\n{\"path\":\"/cart\",\"status\":200}\n");
}

TEST_F(AccessLogTest, WritesOnlyWhatTheFilterLetsPass) {
  auto log = Compile(File("  log_format: {text_format_source: {inline_string: \"%RESPONSE_CODE%\\n\"}}\n",
                          "filter: {status_code_filter: {comparison: {op: GE, value: {default_value: 500, "
                          "runtime_key: k}}}}\n"));
  ASSERT_NE(log, nullptr) << errors_;
  EXPECT_EQ(Logged(*log), "");
  exchange_.response_status = 503;
  EXPECT_EQ(Logged(*log), "503\n");
}

TEST_F(AccessLogTest, CompilingMakesNoFile) {
  EXPECT_NE(Compile(File()), nullptr) << errors_;
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(AccessLogTest, TheStandardStreamsAreSinksToo) {
  for (const char* type : {"StdoutAccessLog", "StderrAccessLog"}) {
    EXPECT_NE(Compile("name: s\ntyped_config: {'@type': "
                      "type.googleapis.com/envoy.extensions.access_loggers.stream.v3." +
                      std::string(type) + "}"),
              nullptr)
        << errors_;
  }
  path_ = "/dev/stdout";
  EXPECT_NE(Compile(File()), nullptr) << errors_;
  path_.clear();
}

TEST_F(AccessLogTest, ErrorsNameTheirPlaceAndAllAreReported) {
  EXPECT_EQ(Compile(File("  log_format: {text_format_source: {inline_string: '%NONE%'}}\n",
                         "filter: {response_flag_filter: {flags: [UDO]}}\n")),
            nullptr);
  EXPECT_NE(errors_.find("UDO"), std::string::npos) << errors_;
  EXPECT_NE(errors_.find("log.yaml:6:"), std::string::npos) << errors_;
  EXPECT_EQ(Compile("name: x"), nullptr);
  EXPECT_EQ(Compile("{name: x, typed_config: {'@type': type.googleapis.com/envoy.config.core.v3.Locality}}"),
            nullptr);
  EXPECT_NE(errors_.find("no access log"), std::string::npos) << errors_;
  const std::string kept = path_;
  path_ = "/nonexistent/directory/log";
  EXPECT_EQ(Compile(File()), nullptr);
  EXPECT_NE(errors_.find("log.yaml:4:"), std::string::npos) << errors_;
  path_ = "/tmp";
  EXPECT_EQ(Compile(File()), nullptr);
  EXPECT_NE(errors_.find("is a directory"), std::string::npos) << errors_;
  path_ = kept;
}

TEST_F(AccessLogTest, EveryByteOfAnyFieldLeavesEachLineParseable) {
  auto text =
      Compile(File("  log_format: {text_format_source: {inline_string: \"\\\"%REQ(x)%\\\" "
                   "%RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(a:b)% %RESP(y)%\\n\"}}\n"));
  auto json =
      Compile(File("  log_format: {json_format: {a: '%REQ(x)%', b: '%RESPONSE_CODE_DETAILS%', c: "
                   "'%DYNAMIC_METADATA(a:b)%', d: '<%RESP(y)%>'}}\n"));
  ASSERT_TRUE(text != nullptr && json != nullptr) << errors_;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = std::string("v") + static_cast<char>(byte) + "w";
    exchange_.request_headers.Set("x", value);
    exchange_.response_details = value;
    exchange_.SetMetadata("a", "b", value);
    response_.Set("y", value);
    text->Log({&exchange_, &exchange_.request_headers, &response_, nullptr, {}});
    json->Log({&exchange_, &exchange_.request_headers, &response_, nullptr, {}});
  }
  ASSERT_TRUE(AccessLogSink::FlushAll(std::chrono::seconds(20)));
  std::ifstream file(path_);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    for (const char c : line) EXPECT_FALSE((c >= 0 && c < ' ') || c == 0x7f) << line;
    if (lines % 2 == 1) {
      rapidjson::BaseReaderHandler<> ignore;
      rapidjson::StringStream stream(line.c_str());
      EXPECT_FALSE(rapidjson::Reader().Parse<rapidjson::kParseValidateEncodingFlag>(stream, ignore).IsError())
          << line;
    }
  }
  EXPECT_EQ(lines, 512);
}

}  // namespace
}  // namespace narthex
