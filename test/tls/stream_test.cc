#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/coro/scope.h"
#include "source/event/timeout.h"
#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;
using Kind = IoResult::Kind;

class StreamTest : public TlsRig, public testing::WithParamInterface<const char*> {
 protected:
  Connection Open() {
    Connection made = Connect(
        PlainServer(),
        TrustingClient(std::string("  tls_params: {tls_maximum_protocol_version: ") + GetParam() + "}\n"));
    EXPECT_TRUE(made.ok()) << made.client_result.error;
    return made;
  }
  // Reads until something other than kWouldBlock comes.
  IoResult ReadOnce(Stream& stream) {
    Buffer into;
    IoResult result;
    EXPECT_TRUE(RunToEnd(ReadSome(stream, into, result)));
    return result;
  }
  static Task<void> ReadSome(Stream& stream, Buffer& into, IoResult& result) {
    do {
      co_await stream.Readable();
      result = stream.Read(into, 65536);
    } while (result.kind == Kind::kWouldBlock);
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, StreamTest, testing::Values("TLSv1_2", "TLSv1_3"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(StreamTest, CarriesBytesBothWays) {
  Connection made = Open();
  IoResult last;
  ASSERT_TRUE(WriteAll(*made.client, "hello"));
  EXPECT_EQ(ReadAll(*made.server, last, 5), "hello");
  ASSERT_TRUE(WriteAll(*made.server, "welcome"));
  EXPECT_EQ(ReadAll(*made.client, last, 7), "welcome");
  Buffer nothing;
  EXPECT_EQ(made.client->Read(nothing, 100).kind, Kind::kWouldBlock);
  EXPECT_TRUE(nothing.empty());
}

// Bytes that anyone can check: the number of each block of 8 bytes.
std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i / 8) >> (i % 8 * 4));
  return bytes;
}

// Sends in pieces of many sizes and says goodbye.
Task<void> SendAll(Stream& stream, const std::string& bytes) {
  Buffer from;
  size_t at = 0;
  for (size_t piece = 1; at < bytes.size(); piece = piece * 7 % 50021 + 1) {
    Buffer more(std::string_view(bytes).substr(at, piece));
    at += more.size();
    from.Append(std::move(more));
    if (from.size() < 100'000 && at < bytes.size()) continue;
    while (stream.Write(from).kind == Kind::kWouldBlock) co_await stream.Writable();
  }
  stream.ShutdownWrite();
}

// Reads a little at a time, and rests now and then.
Task<void> ReceiveSlowly(EventLoop& loop, Stream& stream, std::string& bytes, IoResult& last) {
  for (int reads = 0;; ++reads) {
    if (reads % 64 == 0) co_await Sleep(loop, 1ms);
    co_await stream.Readable();
    Buffer into;
    last = stream.Read(into, 20'000);
    bytes += into.ToString();
    if (last.kind == Kind::kEnd || last.kind == Kind::kError) co_return;
  }
}

Task<void> UntilIdle(EventLoop& loop, Scope& scope) {
  while (!scope.idle()) co_await Sleep(loop, 5ms);
}

TEST_P(StreamTest, CarriesTenMebibytesBothWaysAtOnce) {
  over_tcp_ = true;
  Connection made = Open();
  const std::string bytes = Pattern(10 << 20);
  std::string to_server, to_client;
  IoResult server_last, client_last;
  Scope scope;
  scope.Spawn(SendAll(*made.client, bytes));
  scope.Spawn(SendAll(*made.server, bytes));
  scope.Spawn(ReceiveSlowly(*loop_, *made.server, to_server, server_last));
  scope.Spawn(ReceiveSlowly(*loop_, *made.client, to_client, client_last));
  ASSERT_TRUE(RunToEnd(UntilIdle(*loop_, scope)));
  EXPECT_TRUE(to_server == bytes);
  EXPECT_TRUE(to_client == bytes);
  EXPECT_EQ(server_last.kind, Kind::kEnd);
  EXPECT_EQ(client_last.kind, Kind::kEnd);
}

TEST_P(StreamTest, StopsWritingWhenTheReaderDoes) {
  Connection made = Open();
  Buffer from(Pattern(20 << 20));
  const size_t total = from.size();
  const IoResult first = made.client->Write(from);
  EXPECT_EQ(first.kind, Kind::kWouldBlock);
  EXPECT_EQ(from.size(), total - first.bytes);
  EXPECT_GT(from.size(), 0u);
  const size_t left = from.size();
  EXPECT_EQ(made.client->Write(from).kind, Kind::kWouldBlock);
  EXPECT_EQ(from.size(), left);
}

TEST_P(StreamTest, HasTwoHalves) {
  Connection made = Open();
  IoResult last;
  ASSERT_TRUE(WriteAll(*made.client, "request"));
  made.client->ShutdownWrite();
  EXPECT_EQ(ReadAll(*made.server, last), "request");
  EXPECT_EQ(last.kind, Kind::kEnd);
  ASSERT_TRUE(WriteAll(*made.server, "response"));
  made.server->ShutdownWrite();
  EXPECT_EQ(ReadAll(*made.client, last), "response");
  EXPECT_EQ(last.kind, Kind::kEnd);
}

TEST_P(StreamTest, EndsInOrderWhenItIsDestroyed) {
  Connection made = Open();
  made.client.reset();
  EXPECT_EQ(ReadOnce(*made.server).kind, Kind::kEnd);
}

TEST_P(StreamTest, TellsACutConnectionFromAnEnd) {
  over_tcp_ = true;
  Connection made = Open();
  made.client->AbortOnClose();
  made.client.reset();
  const IoResult reset = ReadOnce(*made.server);
  EXPECT_EQ(reset.kind, Kind::kError);
  EXPECT_EQ(reset.error, ECONNRESET);
  EXPECT_TRUE(made.server->Failed());
  EXPECT_EQ(made.server->Read(*std::make_unique<Buffer>(), 1).kind, Kind::kError);
}

TEST_P(StreamTest, TellsAFinWithoutGoodbyeFromAnEnd) {
  const auto server = PlainServer();
  const auto client = TrustingClient();
  int fds[2];
  MakeSockets(fds);
  const int beneath = dup(fds[1]);
  Connection made;
  made.server = TlsStream::MakeServer(*loop_, fds[0], server);
  made.client = TlsStream::MakeClient(*loop_, fds[1], client, {});
  Scope scope;
  scope.Spawn(ShakeHands(*made.server, made.server_result));
  scope.Spawn(ShakeHands(*made.client, made.client_result));
  ASSERT_TRUE(RunToEnd(UntilIdle(*loop_, scope)));
  ASSERT_TRUE(WriteAll(*made.client, "partial"));
  shutdown(beneath, SHUT_WR);
  IoResult last;
  EXPECT_EQ(ReadAll(*made.server, last), "partial");
  EXPECT_EQ(last.kind, Kind::kError);
  EXPECT_EQ(last.error, ECONNRESET);
  EXPECT_EQ(made.server->error_text(), "the peer cut the connection without a close_notify");
  close(beneath);
}

TEST_P(StreamTest, RefusesBytesThatWereChanged) {
  Connection made = Open();
  IoResult last;
  // A record of application data that nobody sealed.
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  int fds[2];
  MakeSockets(fds);
  made.server = TlsStream::MakeServer(*loop_, fds[0], PlainServer());
  made.client = TlsStream::MakeClient(*loop_, dup(fds[1]), TrustingClient(), {});
  Scope scope;
  scope.Spawn(ShakeHands(*made.server, made.server_result));
  scope.Spawn(ShakeHands(*made.client, made.client_result));
  ASSERT_TRUE(RunToEnd(UntilIdle(*loop_, scope)));
  ASSERT_EQ(write(fds[1], forged.data(), forged.size()), static_cast<ssize_t>(forged.size()));
  EXPECT_EQ(ReadAll(*made.server, last), "");
  EXPECT_EQ(last.kind, Kind::kError);
  EXPECT_EQ(last.error, EPROTO);
  EXPECT_EQ(made.server->error_text(), "TLS error: decryption failed or bad record mac");
  Buffer more("x");
  EXPECT_EQ(made.server->Write(more).kind, Kind::kError);
  close(fds[1]);
}

TEST_P(StreamTest, IsQuietWhenOnlyTicketsHaveCome) {
  Connection made = Open();
  // The server's tickets are on their way, or here.
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  EXPECT_TRUE(made.client->Quiet());
  EXPECT_TRUE(made.server->Quiet());
  ASSERT_TRUE(WriteAll(*made.server, "x"));
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  EXPECT_FALSE(made.client->Quiet());
  IoResult last;
  EXPECT_EQ(ReadAll(*made.client, last, 1), "x");
  EXPECT_TRUE(made.client->Quiet());
  made.server->ShutdownWrite();
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  EXPECT_FALSE(made.client->Quiet());
}

struct Ends {
  int calls = 0;
  static void OnEnd(void* self) { ++static_cast<Ends*>(self)->calls; }
};

TEST_P(StreamTest, TellsItsOwnerThatThePeerHasLeft) {
  Connection made = Open();
  Ends ends;
  made.client->SetCloseHook(&Ends::OnEnd, &ends);
  ASSERT_TRUE(WriteAll(*made.server, "x"));
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  EXPECT_EQ(ends.calls, 0) << "bytes are no end";
  IoResult last;
  EXPECT_EQ(ReadAll(*made.client, last, 1), "x");
  made.server.reset();
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  EXPECT_EQ(ends.calls, 1);
  EXPECT_TRUE(made.client->closed());
}

TEST_P(StreamTest, EndsBothDirectionsAtOnce) {
  Connection made = Open();
  Buffer into;
  IoResult result;
  Task<void> waiting = ReadSome(*made.client, into, result);
  waiting.Start();
  EXPECT_FALSE(waiting.done());
  made.client->ShutdownBoth();
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(result.kind, Kind::kEnd);
  EXPECT_EQ(ReadOnce(*made.server).kind, Kind::kEnd);
}

TEST_P(StreamTest, SaysGoodbyeWhenThereIsRoomAgain) {
  Connection made = Open();
  const std::string bytes = Pattern(8 << 20);
  Buffer from(bytes);
  EXPECT_EQ(made.client->Write(from).kind, Kind::kWouldBlock);
  const std::string rest = from.ToString();
  std::string received;
  IoResult last;
  Scope scope;
  scope.Spawn(ReceiveSlowly(*loop_, *made.server, received, last));
  scope.Spawn(SendAll(*made.client, rest));
  ASSERT_TRUE(RunToEnd(UntilIdle(*loop_, scope)));
  EXPECT_TRUE(received == bytes);
  EXPECT_EQ(last.kind, Kind::kEnd);
}

}  // namespace
}  // namespace narthex
