#include "test/bench/idle.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "test/bench/http1_client.h"
#include "test/bench/response_reader.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

constexpr timeval kAnswerWithin{.tv_sec = 10, .tv_usec = 0};

// Requests under way at a time, as in the loaded scenarios: a proxy then has seen some concurrency, and no
// limit of its upstream connections gets in the way.
constexpr size_t kAtOnce = 64;

// Reads the whole answer, on a blocking socket.
bool ReadResponse(int fd, size_t body_size) {
  ResponseReader reader(body_size);
  char buffer[16 * 1024];
  for (;;) {
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    ResponseReader::State state = reader.Consume({buffer, static_cast<size_t>(size)});
    if (state != ResponseReader::State::kIncomplete) return state == ResponseReader::State::kComplete;
  }
}

// One request on each socket; returns how many were not answered as expected.
int ServeOnce(const std::vector<int>& sockets, const std::string& request, size_t body_size) {
  int wrong = 0;
  for (size_t begin = 0; begin < sockets.size(); begin += kAtOnce) {
    size_t end = std::min(begin + kAtOnce, sockets.size());
    for (size_t i = begin; i < end; ++i) send(sockets[i], request.data(), request.size(), MSG_NOSIGNAL);
    for (size_t i = begin; i < end; ++i) wrong += ReadResponse(sockets[i], body_size) ? 0 : 1;
  }
  return wrong;
}

bool IsOpen(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

void WaitForInput() {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

int HoldIdle(const LoadOptions& options) {
  std::string request = MakeRequest(options.paths.empty() ? "/" : options.paths.front());
  std::vector<int> sockets;
  for (int i = 0; i < options.connections; ++i) {
    sockets.push_back(ConnectToLoopback(options.port, /*blocking=*/true));
    setsockopt(sockets.back(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
  }
  int wrong = ServeOnce(sockets, request, options.body_size);
  std::printf("{\"connections\": %zu, \"errors\": %d}\n", sockets.size(), wrong);
  std::fflush(stdout);
  WaitForInput();
  int closed = 0;
  for (int fd : sockets) {
    closed += IsOpen(fd) ? 0 : 1;
    close(fd);
  }
  std::printf("{\"connections\": %zu, \"closed\": %d}\n", sockets.size(), closed);
  return wrong + closed;
}

}  // namespace narthex
