// An upstream that answers while the client still sends: the answer is passed on whole, the upload is cut,
// and the client's connection lives on.

#include <string>

#include "gtest/gtest.h"
#include "test/http/proxy_rig.h"

namespace narthex {
namespace {

constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr std::string_view kGet = "GET /b HTTP/1.1\r\nhost: x\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Sends the rest of the upload and another request, of which the first upstream must see nothing.
void ExpectCutUploadAndLivingClient(ProxyRig& rig) {
  EXPECT_TRUE(rig.received().ends_with("\r\n\r\n2\r\nok\r\n0\r\n\r\n")) << rig.received();
  ASSERT_FALSE(rig.closed());
  EXPECT_TRUE(rig.upstream_broken(0));
  const size_t before = rig.forwarded(0).size();
  rig.Send("3\r\ndef\r\n");
  rig.DrainUpstream(0, 100'000);
  rig.Send("3\r\nghi\r\n");
  rig.Send(kLastChunk);
  rig.Send(kGet);
  ASSERT_EQ(rig.upstreams(), 2u);
  rig.Answer(1, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("hello")) << rig.received();
  EXPECT_EQ(rig.forwarded(0).size(), before) << rig.forwarded(0);
  EXPECT_FALSE(rig.forwarded(0).ends_with(kLastChunk));
}

void AnswerInChunks(ProxyRig& rig) {
  rig.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n");
  rig.Answer(0, kLastChunk);
}

TEST(AnEarlyAnswer, InChunksCutsAnUploadThatWaitsForTheClient) {
  ProxyRig rig;
  rig.Send(kPost);
  rig.Send("3\r\nabc\r\n");
  AnswerInChunks(rig);
  ExpectCutUploadAndLivingClient(rig);
}

TEST(AnEarlyAnswer, InChunksCutsAnUploadThatWaitsForTheUpstream) {
  ProxyRig rig;
  rig.set_upstream_window(kPost.size() + 10);
  rig.Send(kPost);
  rig.Send("64\r\n" + std::string(100, 'a') + "\r\n");
  rig.Send("3\r\nabc\r\n");
  AnswerInChunks(rig);
  ExpectCutUploadAndLivingClient(rig);
}

TEST(AnEarlyAnswer, OfALengthCutsTheUploadAsWell) {
  ProxyRig rig;
  rig.Send(kPost);
  rig.Send("3\r\nabc\r\n");
  rig.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
  rig.Answer(0, "ok");
  EXPECT_TRUE(rig.upstream_broken(0));
  rig.Send("3\r\ndef\r\n0\r\n\r\n");
  rig.Send(kGet);
  ASSERT_EQ(rig.upstreams(), 2u);
  EXPECT_EQ(rig.forwarded(0).find("def"), std::string::npos);
}

// An answer that has begun is no end yet: the upload goes on beside it, to its own end.
TEST(AnEarlyAnswer, ThatGoesOnLeavesTheUploadAlone) {
  ProxyRig rig;
  rig.Send(kPost);
  rig.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n");
  rig.Send("3\r\nabc\r\n0\r\n\r\n");
  EXPECT_TRUE(rig.forwarded(0).ends_with("3\r\nabc\r\n0\r\n\r\n")) << rig.forwarded(0);
  rig.Answer(0, kLastChunk);
  EXPECT_TRUE(rig.upstream_idle(0));
  EXPECT_FALSE(rig.upstream_broken(0));
}

// 100 Continue finds the socket full of an earlier answer, and the response comes meanwhile: both want to be
// written, in their order, and the upload goes on.
TEST(AnEarlyAnswer, MayComeWhile100ContinueIsNotReceived) {
  ProxyRig rig;
  rig.client().window = 10;
  rig.Send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n");
  EXPECT_EQ(rig.received(), "HTTP/1.1 1");
  rig.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n");
  rig.Send("abc");
  EXPECT_TRUE(rig.forwarded(0).ends_with("abc")) << rig.forwarded(0);
  rig.Drain(10'000);
  EXPECT_TRUE(rig.received().starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
      << rig.received();
  rig.Answer(0, kLastChunk);
  EXPECT_TRUE(rig.received().ends_with("2\r\nok\r\n0\r\n\r\n")) << rig.received();
  EXPECT_TRUE(rig.upstream_idle(0));
}

}  // namespace
}  // namespace narthex
