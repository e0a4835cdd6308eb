#include "source/server/connection_log.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "source/http/exchange.h"

namespace narthex {
namespace {

// States of a TCP connection (include/net/tcp_states.h of the kernel) in which the peer has ended its side.
constexpr uint8_t kClosed = 7, kCloseWait = 8, kLastAck = 9, kClosing = 11;

// What the kernel has counted of a TCP connection. Nobody has to count along while it is served; of a Unix
// socket nothing is known.
struct Bytes {
  uint64_t received = 0, sent = 0;
};

Bytes CountBytes(int fd) {
  tcp_info info = {};
  socklen_t length = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
  const uint8_t state = info.tcpi_state;
  const bool ended = state == kClosed || state == kCloseWait || state == kLastAck || state == kClosing;
  // The kernel counts a FIN as one more.
  const uint64_t fin = ended && info.tcpi_bytes_received > 0 ? 1 : 0;
  return {info.tcpi_bytes_received - fin,
          info.tcpi_bytes_sent - std::min(info.tcpi_bytes_sent, info.tcpi_bytes_retrans)};
}

void Write(const ListenerBooks& books, Exchange& line, uint64_t opened_us) {
  const uint64_t now = line.loop().NowUs();
  const auto length = std::chrono::microseconds(now - opened_us);
  line.times.start = opened_us;
  line.times.start_wall =
      line.loop().WallNow() - std::chrono::duration_cast<std::chrono::system_clock::duration>(length);
  line.times.end = now;
  line.client = line.connection().remote;
  for (const auto& log : books.logs) log->Log({&line, nullptr, nullptr, nullptr, {}});
}

}  // namespace

void LogConnection(EventLoop& loop, const ListenerBooks& books, const ConnectionFacts& facts,
                   const ConnectionEnd& end) {
  if (books.logs.empty()) return;
  const Bytes bytes = CountBytes(end.fd);
  ConnectionFacts shown = facts;
  // Who has said nothing has spoken no protocol.
  if (bytes.received == 0 && facts.remote.is_ip()) shown.protocol = {};
  Exchange line(loop, shown);
  line.request_body_bytes = bytes.received;
  line.response_body_bytes = bytes.sent;
  Write(books, line, end.opened_us);
}

void LogUnmatched(EventLoop& loop, const ListenerBooks& books, const ConnectionFacts& facts) {
  if (books.logs.empty()) return;
  ConnectionFacts unserved = facts;
  unserved.protocol = {};
  Exchange line(loop, unserved);
  line.AddFlag(ResponseFlag::kNoRouteFound);
  line.response_details = "filter_chain_not_found";
  Write(books, line, loop.NowUs());
}

}  // namespace narthex
