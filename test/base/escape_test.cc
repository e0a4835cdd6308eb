#include "source/base/escape.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonEscaped(out, text);
  return out;
}
std::string Log(std::string_view text) {
  std::string out;
  AppendLogEscaped(out, text);
  return out;
}

TEST(Escape, PlainTextAndUtf8StayAsTheyAre) {
  for (const char* text : {"", "GET /a?b=c", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x9a\xaa"}) {
    EXPECT_EQ(Json(text), text);
    EXPECT_EQ(Log(text), text);
  }
}

TEST(Escape, QuotesBackslashesAndControlBytes) {
  EXPECT_EQ(Json("a\"b\\c\r\n\t"), R"(a\"b\\c\r\n\t)");
  EXPECT_EQ(Log("a\"b\\c\r\n\t"), R"(a\"b\\c\r\n\t)");
  EXPECT_EQ(Json(std::string_view("\0\x1b\x7f", 3)), R"(\u0000\u001b\u007f)");
  EXPECT_EQ(Log(std::string_view("\0\x1b\x7f", 3)), R"(\x00\x1b\x7f)");
}

TEST(Escape, TextForPeopleKeepsItsQuotes) {
  std::string out;
  AppendControlEscaped(out, "unknown field \"a\\b\"\n\x1b\xff");
  EXPECT_EQ(out, "unknown field \"a\\b\"\\n\\x1b\\xff");
}

TEST(Escape, ControlCharactersOfTwoBytesAreOneCharacter) {
  EXPECT_EQ(Json("\xc2\x9b[2J"), R"(\u009b[2J)");
  EXPECT_EQ(Log("\xc2\x9b[2J"), R"(\xc2\x9b[2J)");
  EXPECT_EQ(Log("\xc2\xa0"), "\xc2\xa0");
}

TEST(Escape, BytesThatAreNotUtf8) {
  // A stray continuation, an overlong slash, a surrogate, beyond U+10FFFF, a sequence cut short.
  for (const char* text : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_EQ(Log(text).substr(0, 2), "\\x") << Log(text);
    EXPECT_EQ(Json(text).substr(0, 3), "\xef\xbf\xbd") << Json(text);
  }
  EXPECT_EQ(Log("a\xff"), R"(a\xff)");
  EXPECT_EQ(Json("\xff"
                 "a"),
            "\xef\xbf\xbd"
            "a");
}

TEST(Escape, NoByteLeavesALineOrItsQuotes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      for (const std::string& out : {Log(text), Json(text)}) {
        EXPECT_EQ(out.find_first_of(std::string_view("\n\r\0\x1b", 4)), std::string::npos);
        for (size_t i = 0; i < out.size(); ++i) {
          if (out[i] == '\\') {
            ++i;
            ASSERT_LT(i, out.size());
          } else {
            EXPECT_NE(out[i], '"');
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace narthex
