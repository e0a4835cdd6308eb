#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/client_codec.h"
#include "source/http/server_codec.h"
#include "test/net/fake_stream.h"

namespace narthex {

// Both codecs put together to a proxy, on streams without sockets: the test is the client and every upstream,
// and chooses each piece of bytes. Every request goes to an upstream connection of its own.
class ProxyRig final : private RequestHandler {
 public:
  struct Upstream final : ClientConnectionOwner {
    void OnIdle(ClientConnection&) override { idle = true; }
    void OnBroken(ClientConnection&) override { broken = true; }

    FakePeer peer;
    FakeStream* stream = nullptr;
    std::unique_ptr<ClientConnection> connection;
    bool idle = false;
    bool broken = false;
    bool woken = false;
  };

  explicit ProxyRig(ServerCodecOptions server = {}, ClientCodecOptions client = {});
  ~ProxyRig() override;

  // What the client does. Nothing once the proxy has closed its connection.
  void Send(std::string_view bytes);
  void CloseSending();
  void Reset();
  // Reads `bytes` more of what the proxy writes.
  void Drain(size_t bytes);
  // What upstream connection `i` does.
  void Answer(size_t i, std::string_view bytes);
  void CloseUpstream(size_t i);
  void ResetUpstream(size_t i);
  void DrainUpstream(size_t i, size_t bytes);
  // Lets time pass.
  void Advance(int milliseconds);

  // What the client has received, and whether the proxy has closed the connection.
  const std::string& received() const { return client_.received; }
  bool closed() const { return ended_ || client_.destroyed; }
  FakePeer& client() { return client_; }
  size_t upstreams() const { return upstreams_.size(); }
  const std::string& forwarded(size_t i) const { return upstreams_[i]->peer.received; }
  FakePeer& upstream(size_t i) { return upstreams_[i]->peer; }
  bool upstream_idle(size_t i) const { return upstreams_[i]->idle; }
  bool upstream_broken(size_t i) const { return upstreams_[i]->broken; }
  // Why it has; REQUIRES: closed().
  CloseCause ended_by() const { return ended_by_; }
  int started() const { return started_; }
  int finished() const { return finished_; }
  // Of the last exchange that has ended.
  const std::string& details() const { return details_; }
  // How many bytes a new upstream takes before it is full.
  void set_upstream_window(size_t bytes) { upstream_window_ = bytes; }

 private:
  void OnStart(Exchange&) override { ++started_; }
  Task<Response> Handle(Request request) override;
  Response Refuse(Exchange& exchange, int status, ExchangeError error) override;
  void OnEnd(Exchange& exchange, const HeaderMap*, const HeaderMap*, const HeaderMap*) override;
  // What the end of a loop's turn does.
  void Settle();

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  const ServerCodecOptions server_options_;
  const ClientCodecOptions client_options_;
  FakePeer client_;
  FakeStream* stream_ = nullptr;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  size_t upstream_window_ = static_cast<size_t>(-1);
  int started_ = 0;
  int finished_ = 0;
  bool ended_ = false;
  CloseCause ended_by_ = CloseCause::kLocal;
  std::string details_;
  std::unique_ptr<ServerConnection> server_;
};

}  // namespace narthex
