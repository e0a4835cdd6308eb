#pragma once

#include <memory>

#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/net/stream.h"
#include "source/tcp_proxy/tcp_proxy_config.h"
#include "source/upstream/cluster.h"

namespace narthex {

// One connection of a client, from the choice of its cluster to its access log: connects to a host, passes
// bytes both ways, and ends with either side, or in time. Loop-confined.
class TcpSession {
 public:
  // Why a session ends that could go on.
  enum class Stop : uint8_t {
    kClientGone,
    kIdle,
    kMaxDuration,
    kDrained,  // its listener's drain time is over, or its worker ends
  };
  // Calls `on_end(context)` once, from the loop or from inside a coroutine of the session, when there is
  // nothing more to do: the owner then destroys it through EventLoop::DeleteLater. The streams are still
  // open.
  struct Context {
    EventLoop& loop;
    ClusterManager& clusters;
    std::shared_ptr<const TcpProxyConfig> config;
    void (*on_end)(void* context);
    void* context;
  };

  TcpSession(std::unique_ptr<Stream> downstream, ConnectionFacts facts, Context context);
  TcpSession(const TcpSession&) = delete;

  // May call on_end before it returns.
  void Start();
  // Ends it now and writes its log. REQUIRES: called from the loop.
  void End(Stop why);
  const ConnectionFacts& facts() const { return facts_; }

 private:
  Task<void> Run();
  Task<void> Proxy();
  // False when there is no connection to be had; then the log knows why.
  Task<bool> Connect(RawConnection& upstream);
  void BeginIdleWatch();
  void Finish();
  void Log();

  static void OnClientClosed(void* self);
  static void OnIdleCheck(void* self);
  static void OnMaxDuration(void* self);
  static void OnLogInterval(void* self);

  const Context context_;
  ConnectionFacts facts_;
  Exchange line_;  // of the access log
  RelayCounts counts_;
  Timer idle_timer_, duration_timer_, log_timer_;
  bool finished_ = false;
  std::unique_ptr<Stream> downstream_;
  Task<void> task_;  // uses all of the above
};

}  // namespace narthex
