#include "source/substitution/formatter.h"

#include "gtest/gtest.h"
#include "source/event/event_loop.h"

namespace narthex {
namespace {

class FormatterTest : public ::testing::Test {
 protected:
  std::string Format(std::string_view format,
                     SubstitutionFormatter::Absent absent = SubstitutionFormatter::Absent::kDash) {
    auto formatter = SubstitutionFormatter::Parse(format, ConfigPath(), absent);
    EXPECT_TRUE(formatter.ok()) << formatter.status();
    return formatter.ok()
               ? formatter->Format({&exchange_, &exchange_.request_headers, &response_, nullptr, {}})
               : "";
  }
  bool Refuses(std::string_view format) { return !SubstitutionFormatter::Parse(format, ConfigPath()).ok(); }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  HeaderMap response_;
};

TEST_F(FormatterTest, PutsHeadersWithAlternativeAndLength) {
  exchange_.request_headers.Add(":path", "/a?b=1");
  exchange_.request_headers.Add("x-b", "123456");
  EXPECT_EQ(Format("<%REQ(:PATH)%>"), "</a?b=1>");
  EXPECT_EQ(Format("%REQ(X-A?X-B)%"), "123456");
  EXPECT_EQ(Format("%REQ(X-B):3%"), "123");
  EXPECT_EQ(Format("%REQ_WITHOUT_QUERY(:PATH)%"), "/a");
  EXPECT_EQ(Format("%REQ(X-NONE)%|%RESP(y)%"), "-|-");
  EXPECT_EQ(Format("[%REQ(X-NONE)%]", SubstitutionFormatter::Absent::kEmpty), "[]");
}

TEST_F(FormatterTest, KnowsTheExchange) {
  exchange_.response_status = 503;
  exchange_.AddFlag(ResponseFlag::kNoHealthyUpstream);
  exchange_.AddFlag(ResponseFlag::kDelayInjected);
  exchange_.times.start = 1'000;
  exchange_.times.end = 43'000;
  EXPECT_EQ(Format("%RESPONSE_CODE% %RESPONSE_FLAGS% %DURATION% 100%%"), "503 UH,DI 42 100%");
}

TEST_F(FormatterTest, PrintsTheStartTime) {
  exchange_.times.start_wall =
      std::chrono::system_clock::time_point(std::chrono::milliseconds(1'767'225'600'007));
  EXPECT_EQ(Format("%START_TIME%"), "2026-01-01T00:00:00.007Z");
  EXPECT_EQ(Format("%START_TIME(%Y)%"), "2026");
}

TEST_F(FormatterTest, RefusesWhatItDoesNotKnow) {
  EXPECT_TRUE(Refuses("%NO_SUCH%"));
  EXPECT_TRUE(Refuses("%REQ(x)"));
  EXPECT_TRUE(Refuses("%REQ%"));
  EXPECT_TRUE(Refuses("%REQ(x):y%"));
  EXPECT_TRUE(Refuses("100%"));
}

TEST_F(FormatterTest, EscapesValuesOfALogLine) {
  for (int byte = 1; byte < 256; ++byte) {
    exchange_.request_headers.Clear();
    exchange_.request_headers.Add("x", std::string(1, static_cast<char>(byte)));
    auto formatter = SubstitutionFormatter::Parse("\"%REQ(X)%\"", ConfigPath());
    ASSERT_TRUE(formatter.ok());
    std::string line;
    formatter->AppendEscapedTo(line, {&exchange_, &exchange_.request_headers, nullptr, nullptr, {}});
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c != 0x7f) << byte;
    EXPECT_NE(line, "\"\"\"");
  }
}

}  // namespace
}  // namespace narthex
