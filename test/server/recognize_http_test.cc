#include "source/server/recognize_http.h"

#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(RecognizeHttp, KnowsTheVersionsByTheFirstLine) {
  EXPECT_EQ(RecognizeHttp("GET / HTTP/1.1\r\n"), SpokenHttp::kHttp11);
  EXPECT_EQ(RecognizeHttp("X-own * HTTP/1.1\nhost: a"), SpokenHttp::kHttp11);
  EXPECT_EQ(RecognizeHttp("GET / HTTP/1.0\r\n"), SpokenHttp::kHttp10);
  EXPECT_EQ(RecognizeHttp("GET / HTTP/3.0\r\n"), SpokenHttp::kHttp10);
  EXPECT_EQ(RecognizeHttp("GET /\r\n"), SpokenHttp::kHttp10);
  EXPECT_EQ(RecognizeHttp("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x01"), SpokenHttp::kHttp2);
}

TEST(RecognizeHttp, WaitsForNoMoreThanItNeeds) {
  for (const std::string whole : {"POST /x HTTP/1.1\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(RecognizeHttp(whole.substr(0, size)), SpokenHttp::kNeedMore) << size;
    }
    EXPECT_NE(RecognizeHttp(whole), SpokenHttp::kNeedMore);
  }
}

TEST(RecognizeHttp, IsNotTakenInByOtherProtocols) {
  for (const std::string& other :
       {std::string("\x16\x03\x01", 3), std::string("\0", 1), std::string("\r\n"),
        std::string(" GET / HTTP/1.1\n"), std::string("SSH-2.0-x\r\n"), std::string("GET \r\n"),
        std::string("GET / HTTP/1.1x\r\n"), std::string("GET / http/1.1\r\n"), std::string("G\x80T")}) {
    EXPECT_EQ(RecognizeHttp(other), SpokenHttp::kNone) << other;
  }
}

}  // namespace
}  // namespace narthex
