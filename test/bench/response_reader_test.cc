#include "test/bench/response_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace narthex {
namespace {

using State = ResponseReader::State;

constexpr std::string_view kGood = "HTTP/1.1 200 OK\r\nserver: x\r\nContent-Length: 4\r\n\r\nbody";

TEST(ResponseReader, TakesOneResponseAfterAnother) {
  ResponseReader reader(4);
  EXPECT_EQ(reader.Consume(kGood), State::kComplete);
  EXPECT_EQ(reader.Consume(kGood), State::kComplete);
}

TEST(ResponseReader, TakesAResponseByteByByte) {
  ResponseReader reader(4);
  for (size_t i = 0; i + 1 < kGood.size(); ++i)
    EXPECT_EQ(reader.Consume(kGood.substr(i, 1)), State::kIncomplete) << i;
  EXPECT_EQ(reader.Consume(kGood.substr(kGood.size() - 1)), State::kComplete);
}

TEST(ResponseReader, RefusesWhatTheBenchmarkDidNotAskFor) {
  for (std::string_view bad : {
           "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbody",
           "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbod",
           "HTTP/1.1 200 OK\r\ncontent-length: 4x\r\n\r\nbody",
           "HTTP/1.1 200 OK\r\ncontent-length:  \r\n\r\n",
           "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody and more",
       }) {
    ResponseReader reader(4);
    EXPECT_EQ(reader.Consume(bad), State::kBad) << bad;
  }
}

TEST(ResponseReader, RefusesAHeadWithoutEnd) {
  ResponseReader reader(4);
  EXPECT_EQ(reader.Consume(std::string(20'000, 'x')), State::kBad);
}

TEST(ResponseReader, StartsAnewAfterReset) {
  ResponseReader reader(4);
  EXPECT_EQ(reader.Consume(kGood.substr(0, kGood.size() - 1)), State::kIncomplete);
  reader.Reset();
  EXPECT_EQ(reader.Consume(kGood), State::kComplete);
}

}  // namespace
}  // namespace narthex
