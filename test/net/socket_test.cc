#include "source/net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/event/timeout.h"
#include "source/net/listener.h"
#include "test/net/socket_folder.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

// Both ends of a connection: a stream on the test's loop, and the plain descriptor of its peer.
class SocketTest : public testing::Test {
 protected:
  SocketTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    stream_ = MakeSocketStream(*loop_, fds[0]);
    peer_ = fds[1];
  }
  ~SocketTest() override { ClosePeer(); }

  void ClosePeer() {
    if (peer_ >= 0) close(std::exchange(peer_, -1));
  }
  void Tell(std::string_view bytes) {
    ASSERT_EQ(write(peer_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // Runs the loop until `task` has ended; false when it takes longer than any test should.
  bool RunToEnd(Task<void> task) {
    bool ended = false;
    Task<void> bounded = Bounded(*loop_, std::move(task), ended);
    bounded.Start();
    loop_->Run();
    return ended;
  }
  static Task<void> Bounded(EventLoop& loop, Task<void> task, bool& ended) {
    ended = (co_await WithTimeout<bool>(loop, Ended(std::move(task)), 10s)).has_value();
    loop.Stop();
  }
  static Task<bool> Ended(Task<void> task) {
    co_await task;
    co_return true;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  std::unique_ptr<Stream> stream_;
  int peer_ = -1;
};

Task<void> ReadOne(Stream& stream, IoResult& result, std::string& into) {
  Buffer buffer;
  do {
    co_await stream.Readable();
    result = stream.Read(buffer, 4096);
  } while (result.kind == IoResult::Kind::kWouldBlock);
  into = buffer.ToString();
}

TEST_F(SocketTest, ReadsWhatThePeerSends) {
  Tell("hello");
  IoResult result;
  std::string bytes;
  ASSERT_TRUE(RunToEnd(ReadOne(*stream_, result, bytes)));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.bytes, 5u);
  EXPECT_EQ(bytes, "hello");
  Buffer nothing;
  EXPECT_EQ(stream_->Read(nothing, 4096).kind, IoResult::Kind::kWouldBlock);
}

TEST_F(SocketTest, WaitsForAnEdgeAfterAShortRead) {
  Tell("a");
  IoResult result;
  std::string bytes;
  ASSERT_TRUE(RunToEnd(ReadOne(*stream_, result, bytes)));
  Task<void> second = ReadOne(*stream_, result, bytes);
  second.Start();
  loop_->RunOnce();
  EXPECT_FALSE(second.done());
  Tell("b");
  loop_->RunOnce();
  EXPECT_TRUE(second.done());
  EXPECT_EQ(bytes, "b");
}

TEST_F(SocketTest, ReadsTheEndBehindTheBytes) {
  Tell("last");
  ClosePeer();
  IoResult result;
  std::string bytes;
  ASSERT_TRUE(RunToEnd(ReadOne(*stream_, result, bytes)));
  EXPECT_EQ(bytes, "last");
  ASSERT_TRUE(RunToEnd(ReadOne(*stream_, result, bytes)));
  EXPECT_EQ(result.kind, IoResult::Kind::kEnd);
}

Task<void> WriteAll(Stream& stream, Buffer& output) {
  while (stream.Write(output).kind == IoResult::Kind::kWouldBlock) co_await stream.Writable();
}

TEST_F(SocketTest, WritesMoreThanTheSocketHoldsAsThePeerReads) {
  Buffer output;
  for (int i = 0; i < 200; ++i) output.Append(std::string(8192, 'x'));
  const size_t total = output.size();
  const IoResult first = stream_->Write(output);
  EXPECT_EQ(first.kind, IoResult::Kind::kWouldBlock);
  EXPECT_EQ(output.size(), total - first.bytes);
  Task<void> rest = WriteAll(*stream_, output);
  rest.Start();
  size_t received = 0;
  char bytes[65536];
  while (received < total) {
    const ssize_t n = read(peer_, bytes, sizeof bytes);
    if (n > 0) received += static_cast<size_t>(n);
    if (n < 0) {
      ASSERT_EQ(errno, EAGAIN);
      ASSERT_FALSE(rest.done());
    }
    loop_->RunOnce();
  }
  EXPECT_TRUE(rest.done());
  EXPECT_TRUE(output.empty());
}

TEST_F(SocketTest, MeetsTheErrorOfAPeerThatIsGone) {
  ClosePeer();
  Buffer output("too late");
  const IoResult result = stream_->Write(output);
  EXPECT_EQ(result.kind, IoResult::Kind::kError);
  EXPECT_EQ(result.error, EPIPE);
}

// What OnEnd saw: how often it was called.
struct Ends {
  int calls = 0;
  static void OnEnd(void* self) { ++static_cast<Ends*>(self)->calls; }
};

TEST_F(SocketTest, TellsTheOwnerOnceThatThePeerHasLeft) {
  Ends ends;
  stream_->SetCloseHook(&Ends::OnEnd, &ends);
  Tell("unread");
  loop_->RunOnce();
  EXPECT_EQ(ends.calls, 0) << "bytes are no end";
  ClosePeer();
  loop_->RunOnce();
  loop_->RunOnce();
  EXPECT_EQ(ends.calls, 1);
  EXPECT_TRUE(stream_->closed());
}

TEST_F(SocketTest, TellsAHalfCloseFromAFailure) {
  Ends ends;
  stream_->SetCloseHook(&Ends::OnEnd, &ends);
  shutdown(peer_, SHUT_WR);
  loop_->RunOnce();
  EXPECT_EQ(ends.calls, 1);
  EXPECT_FALSE(stream_->Failed());
  Buffer answer("still here");
  EXPECT_TRUE(stream_->Write(answer).ok());
  ClosePeer();
  EXPECT_TRUE(stream_->Failed());
}

TEST_F(SocketTest, IsQuietWhileNothingWaits) {
  loop_->RunOnce();
  EXPECT_TRUE(stream_->Quiet());
  Tell("x");
  loop_->RunOnce();
  EXPECT_FALSE(stream_->Quiet());
  Buffer read;
  ASSERT_TRUE(stream_->Read(read, 4096).ok());
  EXPECT_TRUE(stream_->Quiet());
  ClosePeer();
  loop_->RunOnce();
  EXPECT_FALSE(stream_->Quiet());
}

TEST_F(SocketTest, ShuttingDownWakesTheReader) {
  IoResult result;
  std::string bytes;
  Task<void> reader = ReadOne(*stream_, result, bytes);
  reader.Start();
  loop_->RunOnce();
  ASSERT_FALSE(reader.done());
  stream_->ShutdownBoth();
  loop_->RunOnce();
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(result.kind, IoResult::Kind::kEnd);
}

TEST_F(SocketTest, ShutdownWriteEndsOneDirection) {
  stream_->ShutdownWrite();
  char byte;
  EXPECT_EQ(read(peer_, &byte, 1), 0);
  Tell("more");
  IoResult result;
  std::string bytes;
  ASSERT_TRUE(RunToEnd(ReadOne(*stream_, result, bytes)));
  EXPECT_EQ(bytes, "more");
}

// Connect, on loopback and on Unix sockets.
class ConnectTest : public SocketTest {
 protected:
  static std::unique_ptr<ListenSocket> Listen(absl::StatusOr<Address> address) {
    absl::StatusOr<std::unique_ptr<ListenSocket>> socket = ListenSocket::Bind(*address, {});
    EXPECT_TRUE(socket.ok()) << socket.status();
    return *std::move(socket);
  }
  ConnectResult ConnectTo(const Address& address, SocketOptions options = {}) {
    ConnectResult result;
    EXPECT_TRUE(RunToEnd(Assign(*loop_, address, std::move(options), result)));
    return result;
  }
  static Task<void> Assign(EventLoop& loop, Address address, SocketOptions options, ConnectResult& result) {
    result = co_await Connect(loop, std::move(address), std::move(options));
  }
};

TEST_F(ConnectTest, ConnectsAndSaysFromWhere) {
  const auto listening = Listen(Address::Ip("127.0.0.1", 0));
  const ConnectResult result = ConnectTo(listening->address());
  ASSERT_NE(result.stream, nullptr);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.local.IpString(), "127.0.0.1");
  const int accepted = accept(listening->fd(), nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  Buffer output("over tcp");
  EXPECT_TRUE(result.stream->Write(output).ok());
  char bytes[16];
  EXPECT_EQ(read(accepted, bytes, sizeof bytes), 8);
  close(accepted);
}

// Where the machine has no IPv6, that is what both sides say.
TEST_F(ConnectTest, ConnectsOverIpv6) {
  const auto listening = ListenSocket::Bind(*Address::Ip("::1", 0), {});
  const ConnectResult result = ConnectTo(listening.ok() ? (*listening)->address() : *Address::Ip("::1", 1));
  EXPECT_EQ(result.stream != nullptr, listening.ok());
  if (!listening.ok()) EXPECT_EQ(result.error, EADDRNOTAVAIL);
}

TEST_F(ConnectTest, ConnectsToAbstractAndFileSockets) {
  const SocketFolder folder;
  for (const std::string& path :
       {std::string("@narthex-connect-") + std::to_string(getpid()), folder / "s"}) {
    const auto listening = Listen(Address::Unix(path));
    EXPECT_NE(ConnectTo(listening->address()).stream, nullptr) << path;
  }
}

TEST_F(ConnectTest, SaysWhyItCouldNot) {
  Address closed;
  {
    const auto listening = Listen(Address::Ip("127.0.0.1", 0));
    closed = listening->address();
  }
  const ConnectResult refused = ConnectTo(closed);
  EXPECT_EQ(refused.stream, nullptr);
  EXPECT_EQ(refused.error, ECONNREFUSED);
  EXPECT_EQ(ConnectTo(*Address::Unix("/no/such/socket")).error, ENOENT);
}

TEST_F(ConnectTest, SendsFromTheAddressThatWasAskedFor) {
  const auto listening = Listen(Address::Ip("127.0.0.1", 0));
  SocketOptions options;
  options.bind = *Address::Ip("127.0.0.9", 0);
  EXPECT_EQ(ConnectTo(listening->address(), options).local.IpString(), "127.0.0.9");
  options.bind = *Address::Ip("192.0.2.1", 0);  // of a network for documents: no machine has it
  EXPECT_EQ(ConnectTo(listening->address(), options).error, EADDRNOTAVAIL);
}

// A connection that is aborted ends with a reset, not with an end that looks like all was said.
TEST_F(ConnectTest, AbortsWithAReset) {
  const auto listening = Listen(Address::Ip("127.0.0.1", 0));
  ConnectResult result = ConnectTo(listening->address());
  const int accepted = accept(listening->fd(), nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  result.stream->AbortOnClose();
  result.stream.reset();
  char byte;
  EXPECT_EQ(read(accepted, &byte, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
  close(accepted);
}

// The edge of a reset that came together with bytes does not say that it did.
TEST_F(ConnectTest, MeetsAResetBehindTheBytesThatItCameWith) {
  const auto listening = Listen(Address::Ip("127.0.0.1", 0));
  const ConnectResult result = ConnectTo(listening->address());
  const int accepted = accept(listening->fd(), nullptr, nullptr);
  ASSERT_EQ(write(accepted, "half", 4), 4);
  const linger now = {1, 0};
  setsockopt(accepted, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(accepted);
  IoResult read;
  std::string bytes;
  ASSERT_TRUE(RunToEnd(ReadOne(*result.stream, read, bytes)));
  EXPECT_EQ(bytes, "half");
  ASSERT_TRUE(RunToEnd(ReadOne(*result.stream, read, bytes)));
  EXPECT_EQ(read.error, ECONNRESET);
}

// What a small request costs is one read a side: an attempt that can only fail is not made.
TEST_F(SocketTest, WaitsWithoutAnotherAttemptOnceAWriteWasTaken) {
  Tell("request");
  IoResult result;
  std::string bytes;
  ASSERT_TRUE(RunToEnd(ReadOne(*stream_, result, bytes)));
  EXPECT_TRUE(stream_->Readable().await_ready());
  EXPECT_TRUE(stream_->Quiet());
  Buffer answer("answer");
  ASSERT_TRUE(stream_->Write(answer).ok());
  EXPECT_FALSE(stream_->Readable().await_ready());
}

// Cancelling a connect that is under way: nothing may be left registered (AddressSanitizer watches).
TEST_F(ConnectTest, CanBeCancelled) {
  const auto listening = Listen(Address::Ip("127.0.0.1", 0));
  ConnectResult result;
  Task<void> task = Assign(*loop_, listening->address(), {}, result);
  task.Start();
  task.Cancel();
  loop_->RunOnce();
  EXPECT_EQ(result.stream, nullptr);
}

}  // namespace
}  // namespace narthex
