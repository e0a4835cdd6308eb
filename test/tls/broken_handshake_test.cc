#include <sys/socket.h>
#include <unistd.h>

#include "source/event/timeout.h"
#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

class BrokenHandshakeTest : public TlsRig {
 protected:
  // What a server says to a peer that sends those bytes and leaves.
  std::string AnswerTo(const std::string& bytes, bool leave = true) {
    int fds[2];
    MakeSockets(fds);
    const auto stream = TlsStream::MakeServer(*loop_, fds[0], PlainServer());
    EXPECT_EQ(write(fds[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    if (leave) shutdown(fds[1], SHUT_WR);
    TlsHandshakeResult result;
    EXPECT_TRUE(RunToEnd(ShakeHands(*stream, result)));
    close(fds[1]);
    EXPECT_FALSE(result.ok);
    return result.error;
  }
};

TEST_F(BrokenHandshakeTest, AnswersGarbageInWords) {
  stat_prefix_ = "garbage.";
  EXPECT_EQ(AnswerTo("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "TLS error: http request");
  EXPECT_EQ(AnswerTo(std::string(100, '\xff')), "TLS error: wrong version number");
  EXPECT_EQ(AnswerTo(std::string("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", 10), false),
            "TLS error: unexpected message");
  EXPECT_EQ(StatOf("garbage.ssl.connection_error"), 3u);
}

TEST_F(BrokenHandshakeTest, SaysThatThePeerHasLeft) {
  EXPECT_EQ(AnswerTo(""), "TLS error: the peer closed the connection during the handshake");
  EXPECT_EQ(AnswerTo(std::string("\x16\x03\x01\x02", 4)),
            "TLS error: the peer closed the connection during the handshake");
}

TEST_F(BrokenHandshakeTest, ReadsNothingBeforeTheHandshake) {
  int fds[2];
  MakeSockets(fds);
  const auto stream = TlsStream::MakeServer(*loop_, fds[0], PlainServer());
  Buffer buffer("x");
  EXPECT_EQ(stream->Write(buffer).kind, IoResult::Kind::kError);
  EXPECT_EQ(stream->Read(buffer, 10).kind, IoResult::Kind::kError);
  EXPECT_FALSE(stream->Quiet());
  close(fds[1]);
}

Task<void> WithDeadline(EventLoop& loop, TlsStream& stream, bool& in_time) {
  in_time = (co_await WithTimeout<TlsHandshakeResult>(loop, stream.Handshake(), 20ms)).has_value();
}

TEST_F(BrokenHandshakeTest, IsCancelledByATimeout) {
  int fds[2];
  MakeSockets(fds);
  auto stream = TlsStream::MakeServer(*loop_, fds[0], PlainServer());
  bool in_time = true;
  ASSERT_TRUE(RunToEnd(WithDeadline(*loop_, *stream, in_time)));
  EXPECT_FALSE(in_time);
  stream.reset();
  char byte;
  EXPECT_EQ(read(fds[1], &byte, 1), 0) << "the descriptor is closed, and nothing was said";
  close(fds[1]);
}

// Lets a handshake go for `turns` of the loop and then destroys the tasks and the streams, so that over all
// numbers each point where it waits is one where it is cancelled.
TEST_F(BrokenHandshakeTest, IsCancelledWhereverItWaits) {
  const auto server = PlainServer();
  const auto client = TrustingClient();
  bool finished = false;
  for (int turns = 0; turns < 50 && !finished; ++turns) {
    int fds[2];
    MakeSockets(fds);
    auto accepted = TlsStream::MakeServer(*loop_, fds[0], server);
    auto connected = TlsStream::MakeClient(*loop_, fds[1], client, {});
    Task<TlsHandshakeResult> accepting = accepted->Handshake(), connecting = connected->Handshake();
    accepting.Start();
    connecting.Start();
    for (int i = 0; i < turns; ++i) loop_->RunOnce();
    finished = accepting.done() && connecting.done();
    accepting.Cancel();
    if (turns % 2 == 0) accepted.reset();
    connecting.Cancel();
    connected.reset();
    loop_->RunOnce();
  }
  EXPECT_TRUE(finished);
}

// Each byte of a client's flight comes alone, so the server waits in the midst of every message.
TEST_F(BrokenHandshakeTest, GoesOnByteByByte) {
  int near[2], far[2];
  MakeSockets(near);
  MakeSockets(far);
  const auto server = TlsStream::MakeServer(*loop_, near[0], PlainServer());
  const auto client = TlsStream::MakeClient(*loop_, far[1], TrustingClient(), {});
  TlsHandshakeResult accepted, connected;
  Task<void> accepting = ShakeHands(*server, accepted), connecting = ShakeHands(*client, connected);
  accepting.Start();
  connecting.Start();
  char bytes[4096];
  for (int i = 0; i < 100'000 && !(accepting.done() && connecting.done()); ++i) {
    if (read(far[0], bytes, 1) == 1) EXPECT_EQ(write(near[1], bytes, 1), 1);
    const ssize_t n = read(near[1], bytes, sizeof bytes);
    if (n > 0) EXPECT_EQ(write(far[0], bytes, static_cast<size_t>(n)), n);
    loop_->RunOnce();
  }
  EXPECT_TRUE(accepted.ok) << accepted.error;
  EXPECT_TRUE(connected.ok) << connected.error;
  close(near[1]);
  close(far[0]);
}

}  // namespace
}  // namespace narthex
