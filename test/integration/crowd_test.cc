// Very many connections at once. The clients are a process of their own, so that neither side runs out of
// descriptors.

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "test/integration/gateway.h"

namespace narthex {
namespace {

constexpr int kCount = 10'000;

// What the gateway asks for so many: it keeps a quarter of its files for upstreams, and a reserve.
constexpr rlim_t kFiles = 14'000;

// How many files this process, and that of the clients, may open from now on: what is needed, or as many as
// the machine lets us.
rlim_t RaiseFileLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < kFiles) {
    const rlimit more = {kFiles, kFiles};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) return kFiles;
  }
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// From here on: the process of the clients, which has one thread and nothing of gtest.

// Asks once on `fd`; whether the answer is a 204.
bool Ask(int fd) {
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
  constexpr std::string_view kStatus = "HTTP/1.1 204 No Content\r\n";
  char answer[1024];
  if (send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kRequest.size()))
    return false;
  const ssize_t got = recv(fd, answer, sizeof answer, 0);
  return got > 0 && std::string_view(answer, static_cast<size_t>(got)).starts_with(kStatus);
}

int ConnectTo(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = {20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

// Opens all connections, asks on each, tells how many were answered, and asks again on each when told to.
[[noreturn]] void RunClients(int from_test, int to_test, int count) {
  uint16_t port = 0;
  if (read(from_test, &port, sizeof port) != sizeof port) _exit(1);
  std::vector<int> fds;
  for (int i = 0; i < count; ++i) fds.push_back(ConnectTo(port));
  for (int round = 0; round < 2; ++round) {
    const int good = static_cast<int>(std::count_if(fds.begin(), fds.end(), Ask));
    char go_on;
    if (write(to_test, &good, sizeof good) != sizeof good || read(from_test, &go_on, 1) != 1) _exit(1);
  }
  _exit(0);
}

class Clients {
 public:
  explicit Clients(int count) {
    EXPECT_EQ(pipe(to_), 0);
    EXPECT_EQ(pipe(from_), 0);
    pid_ = fork();
    if (pid_ == 0) RunClients(to_[0], from_[1], count);
  }
  ~Clients() {
    for (const int fd : {to_[0], to_[1], from_[0], from_[1]}) close(fd);
    EXPECT_EQ(waitpid(pid_, nullptr, 0), pid_);
  }
  void Start(uint16_t port) { EXPECT_EQ(write(to_[1], &port, sizeof port), ssize_t{sizeof port}); }
  void GoOn() { EXPECT_EQ(write(to_[1], "g", 1), 1); }
  int Answered() {
    int good = -1;
    EXPECT_EQ(read(from_[0], &good, sizeof good), ssize_t{sizeof good});
    return good;
  }

 private:
  int to_[2], from_[2];
  pid_t pid_;
};

TEST(TenThousandConnections, AreServedAtOnceAndAgain) {
  const rlim_t files = RaiseFileLimit();
  ASSERT_GE(files, kFiles) << "a process may open " << files << " files here (ulimit -Hn): too few for "
                           << kCount << " connections";
  Clients clients(kCount);  // before there are threads
  Gateway gateway(GatewayYaml(1, "[{match: {prefix: /}, direct_response: {status: 204}}]"), /*workers=*/2);
  clients.Start(gateway.port());
  EXPECT_EQ(clients.Answered(), kCount);
  EXPECT_EQ(Stat("http.front.downstream_cx_active"), uint64_t{kCount});
  clients.GoOn();
  EXPECT_EQ(clients.Answered(), kCount);
  EXPECT_EQ(Stat("http.front.downstream_cx_total"), uint64_t{kCount});
  clients.GoOn();
  EXPECT_TRUE(StatBecomes("http.front.downstream_cx_active", 0));
}

}  // namespace
}  // namespace narthex
