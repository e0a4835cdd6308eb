#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "source/coro/event.h"
#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/upstream/cluster_set.h"
#include "test/net/fake_stream.h"

namespace narthex {

class FakeUpstream;

// A connection without a network: the test says what comes back.
class FakeConnection final : public ClientConnection {
 public:
  FakeConnection(FakeUpstream& upstream, ClientConnectionOwner& owner, std::string host);
  ~FakeConnection() override;

  Task<Result> Send(Request request, std::optional<Request>* unsent) override;
  bool usable() const override { return usable_; }
  uint32_t room() const override { return usable_ ? 1 : 0; }
  uint32_t active() const override { return 0; }
  bool multiplexes() const override { return false; }
  std::string_view protocol() const override { return "HTTP/1.1"; }
  uint64_t requests_sent() const override { return sent_; }
  StreamBytes bytes() const override { return {.received = 50 * answered_count_, .sent = 10 * sent_}; }

  // Answers the request that is being sent; with `whole`, its response is complete at once.
  void Answer(int status, bool whole = true);
  // Ends a response that was not whole.
  void Finish() { owner_.OnIdle(*this); }
  // Breaks off before any byte of a response; the request is handed back when that was asked for.
  void Die(bool written);
  // The client leaves in the midst of its body, for which the exchange breaks off.
  void LoseClient();
  // The peer closes an idle connection; `told` whether the owner learns of it at once.
  void CloseIdle(bool told);

  const std::string host;
  std::string last_authority, last_forwarded_host;

 private:
  struct Outcome {
    int status = 0;  // 0: died
    bool whole = true;
    bool written = true;
    ResponseFlag flag = ResponseFlag::kUpstreamConnectionTermination;  // of the error
  };
  FakeUpstream& upstream_;
  ClientConnectionOwner& owner_;
  Event answered_;
  Outcome outcome_;
  bool usable_ = true;
  uint64_t sent_ = 0;
  uint64_t answered_count_ = 0;
};

// Where the fake connections of a test lead.
class FakeUpstream {
 public:
  // kEndAtOnce: accepted, and ended while the connection is handed over.
  enum class Dial { kAccept, kHold, kRefuse, kEndAtOnce };

  Connector MakeConnector();
  StreamConnector MakeStreamConnector();
  // Lets the connection that was dialled first and is held go through.
  void AcceptHeld();

  Dial dial = Dial::kAccept;
  size_t dialled = 0;
  std::vector<FakeConnection*> connections;  // that live, in their order
  std::list<FakePeer> peers;                 // of streams, in their order
  std::string last_host, last_proxy_header;  // of what was dialled last

 private:
  static Task<ConnectOutcome> Connect(FakeUpstream& upstream, const Address& address,
                                      ClientConnectionOwner& owner);
  static Task<StreamOutcome> ConnectStream(FakeUpstream& upstream, const Address& address,
                                           std::string proxy_header);
  std::list<Event> held_;
};

// A TLS context to be seen and not used: where it only matters that a cluster has one.
std::shared_ptr<TlsContext> NoTlsContext();

// A worker with clusters on fake upstreams, and requests that it sends.
class UpstreamTest : public testing::Test {
 protected:
  // One request on its way.
  class Call {
   public:
    Call(UpstreamTest& test, Cluster& cluster, std::string_view method, AttemptOptions options);
    // Starts it and lets the loop turn.
    bool done() const { return result_.has_value(); }
    int status() const;
    // The error. REQUIRES: failed.
    const ExchangeError& error() const { return std::get<ExchangeError>(*result_); }
    void Cancel() { task_.Cancel(); }
    Exchange& exchange() { return exchange_; }

   private:
    static Task<void> Run(Cluster* cluster, Request request, AttemptOptions options,
                          std::optional<ClientConnection::Result>* result);
    Exchange exchange_;
    std::optional<ClientConnection::Result> result_;
    Task<void> task_;
  };

  // A configuration of a STATIC cluster called "products" with `hosts` hosts, 127.0.0.1:9001 and on.
  static std::shared_ptr<ClusterConfig> Config(size_t hosts = 1);
  // Puts a worker on these clusters.
  void Start(std::vector<std::shared_ptr<const ClusterConfig>> configs);
  // The same, with connections of the test's own.
  void Start(std::vector<std::shared_ptr<const ClusterConfig>> configs, Connector connector);
  Cluster& products() { return *manager_->Find("products"); }
  std::unique_ptr<Call> Send(AttemptOptions options = {}, std::string_view method = "GET");
  // Turns the loop until what was posted is done.
  void Settle();
  // Lets `delay` pass on the wheel.
  void Pass(std::chrono::milliseconds delay);
  HostTotals TotalsOf(size_t host);
  FakeConnection& connection(size_t at = 0) { return *upstream_.connections.at(at); }

  FakeUpstream upstream_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  std::shared_ptr<const ClusterSet> set_;
  std::unique_ptr<ClusterManager> manager_;
};

}  // namespace narthex
