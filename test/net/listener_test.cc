#include "source/net/listener.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/net/socket_folder.h"

namespace narthex {
namespace {

Address Loopback() {
  return *Address::Ip("127.0.0.1", 0);
}

std::unique_ptr<ListenSocket> Bind(const Address& address, const ListenOptions& options = {}) {
  absl::StatusOr<std::unique_ptr<ListenSocket>> socket = ListenSocket::Bind(address, options);
  EXPECT_TRUE(socket.ok()) << socket.status();
  return socket.ok() ? *std::move(socket) : nullptr;
}

// A client's end of a connection; the kernel completes it without anybody accepting.
class Client {
 public:
  explicit Client(const Address& address) : fd_(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(connect(fd_, address.sockaddr_ptr(), address.sockaddr_length()), 0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  // The gateway has closed it.
  bool Ended() const {
    char byte;
    return recv(fd_, &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  int fd_;
};

// Accepts on `socket` and keeps what it got.
class Door {
 public:
  explicit Door(std::shared_ptr<ListenSocket> socket, uint32_t max_accepts = 0)
      : acceptor_(Acceptor::Make(*loop_, std::move(socket), max_accepts, [this](int fd, const Address& peer) {
          fds.push_back(fd);
          peers.push_back(peer);
        })) {}
  ~Door() {
    for (const int fd : fds) close(fd);
  }

  // Runs the loop until `count` connections were accepted, or ten seconds have passed.
  bool RunUntil(size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (fds.size() < count && std::chrono::steady_clock::now() < end) loop_->RunOnce();
    return fds.size() >= count;
  }
  void Turn() { loop_->RunOnce(); }
  // Ten milliseconds pass within a turn.
  void BeLate() { loop_->wheel().Advance(loop_->wheel().now() + 10); }
  Acceptor& acceptor() { return *acceptor_; }

  std::vector<int> fds;
  std::vector<Address> peers;

 private:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  std::unique_ptr<Acceptor> acceptor_;
};

TEST(ListenSocket, SaysThePortThatTheKernelChose) {
  const auto socket = Bind(Loopback());
  EXPECT_EQ(socket->address().IpString(), "127.0.0.1");
  EXPECT_NE(socket->address().port(), 0);
}

TEST(ListenSocket, SharesItsPortOnlyWhenAskedTo) {
  const auto first = Bind(Loopback());
  EXPECT_NE(Bind(first->address()), nullptr);
  ListenOptions alone;
  alone.reuse_port = false;
  const auto single = Bind(Loopback(), alone);
  const auto second = ListenSocket::Bind(single->address(), alone);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(),
            "cannot bind " + single->address().ToString() + ": Address already in use");
}

TEST(ListenSocket, TakesIpv4OnAnIpv6SocketOnlyWhenAskedTo) {
  ListenOptions both;
  both.ipv4_compat = true;
  const absl::StatusOr<std::unique_ptr<ListenSocket>> bound = ListenSocket::Bind(*Address::Ip("::", 0), both);
  if (!bound.ok()) {  // a machine without IPv6
    EXPECT_NE(bound.status().message().find("Address family not supported"), absl::string_view::npos);
    return;
  }
  const std::unique_ptr<ListenSocket>& dual = *bound;
  Client client(Loopback().WithPort(dual->address().port()));
  const auto six = Bind(*Address::Ip("::", 0));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const Address four = Loopback().WithPort(six->address().port());
  EXPECT_EQ(connect(fd, four.sockaddr_ptr(), four.sockaddr_length()), -1);
  close(fd);
}

TEST(ListenSocket, ReplacesAStaleSocketFileAndLeavesALiveOneAlone) {
  const SocketFolder folder;
  const std::string path = folder / "stale";
  const Address address = *Address::Unix(path);
  ListenOptions options;
  options.unix_mode = 0600;
  Bind(address, options).reset();
  ASSERT_EQ(access(path.c_str(), F_OK), 0) << "the file stays behind";
  const auto socket = Bind(address, options);
  ASSERT_NE(socket, nullptr);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_FALSE(ListenSocket::Bind(address, options).ok());
  Client client(address);
}

TEST(ListenSocket, NeverRemovesWhatIsNoSocket) {
  const SocketFolder folder;
  const std::string path = folder / "file";
  fclose(fopen(path.c_str(), "w"));
  EXPECT_FALSE(ListenSocket::Bind(*Address::Unix(path), {}).ok());
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

TEST(Acceptor, HandsOverConnectionsThatAreReadyForUse) {
  Door door(Bind(Loopback()));
  Client client(door.acceptor().address());
  ASSERT_TRUE(door.RunUntil(1));
  EXPECT_EQ(door.peers[0].IpString(), "127.0.0.1");
  int no_delay = 0;
  socklen_t length = sizeof no_delay;
  getsockopt(door.fds[0], IPPROTO_TCP, TCP_NODELAY, &no_delay, &length);
  EXPECT_EQ(no_delay, 1);
  char byte;
  EXPECT_EQ(read(door.fds[0], &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(Acceptor, TakesNoMoreInOneTurnThanItMay) {
  Door door(Bind(Loopback()), 2);
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(door.acceptor().address());
  door.Turn();
  EXPECT_EQ(door.fds.size(), 2u);
  EXPECT_TRUE(door.RunUntil(5)) << "the others come in later turns, without an edge of their own";
}

// The loop's other connections come between, even when it is late: a clock that has moved on lets in no more.
TEST(Acceptor, TakesNoMoreInATurnThanItMay) {
  Door door(Bind(Loopback()), 2);
  std::vector<Client> clients;
  for (int i = 0; i < 9; ++i) clients.emplace_back(door.acceptor().address());
  for (size_t taken = 0, turns = 0; door.fds.size() < clients.size() && turns < 100; ++turns) {
    door.Turn();
    EXPECT_LE(door.fds.size(), taken + 2);
    taken = door.fds.size();
    door.BeLate();
    EXPECT_EQ(door.fds.size(), taken);
  }
  EXPECT_EQ(door.fds.size(), clients.size());
}

// Lowers the number of descriptors that this process may have to what it has now and `more`.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + more;
    close(next);
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

TEST(Acceptor, SurvivesWithoutFreeDescriptors) {
  Door door(Bind(Loopback()));
  Client refused(door.acceptor().address()), served(door.acceptor().address());
  {
    FewDescriptors none(0);
    door.Turn();
    EXPECT_TRUE(door.fds.empty());
    EXPECT_TRUE(refused.Ended()) << "closed at once, with the spare descriptor";
    EXPECT_FALSE(served.Ended());
  }
  EXPECT_TRUE(door.RunUntil(1));
}

// A shut down socket is one of many causes that do not go away by trying.
TEST(Acceptor, SurvivesAnErrorThatLasts) {
  const std::shared_ptr<ListenSocket> socket = Bind(Loopback());
  Door door(socket);
  ASSERT_EQ(shutdown(socket->fd(), SHUT_RD), 0);
  door.Turn();
  EXPECT_TRUE(door.fds.empty());
  ASSERT_EQ(listen(socket->fd(), 8), 0);
  // The kernel may have chosen another port.
  Client client(Loopback().WithPort(Address::LocalOf(socket->fd()).port()));
  EXPECT_TRUE(door.RunUntil(1)) << "it has tried again";
}

TEST(Acceptor, TakesNobodyWhileItIsToldNotToAndThenThoseWhoWait) {
  Door door(Bind(Loopback()));
  Client first(door.acceptor().address());
  ASSERT_TRUE(door.RunUntil(1));
  door.acceptor().SetAccepting(false);
  Client second(door.acceptor().address()), third(door.acceptor().address());
  for (int i = 0; i < 5; ++i) door.Turn();
  EXPECT_EQ(door.fds.size(), 1u);
  EXPECT_FALSE(second.Ended());
  door.acceptor().SetAccepting(true);
  EXPECT_TRUE(door.RunUntil(3)) << "nothing has come since";
}

TEST(Acceptor, ToldToAcceptWhileItDoesChangesNothing) {
  Door door(Bind(Loopback()));
  door.acceptor().SetAccepting(true);
  Client client(door.acceptor().address());
  EXPECT_TRUE(door.RunUntil(1));
}

TEST(ListenSocket, LivesOnInADuplicate) {
  const SocketFolder folder;
  const Address address = *Address::Unix(folder / "socket");
  std::unique_ptr<ListenSocket> first = Bind(address);
  Client client(address);
  const absl::StatusOr<std::unique_ptr<ListenSocket>> second = ListenSocket::Duplicate(*first);
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE((*second)->Change(7, 0600).ok());
  first.reset();
  struct stat info;
  ASSERT_EQ(stat(address.ToString().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  const int waiting = accept((*second)->fd(), nullptr, nullptr);
  EXPECT_GE(waiting, 0) << "with what waits in its queue";
  close(waiting);
}

}  // namespace
}  // namespace narthex
