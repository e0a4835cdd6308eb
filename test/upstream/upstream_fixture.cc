#include "test/upstream/upstream_fixture.h"

#include <algorithm>
#include <utility>

namespace narthex {

FakeConnection::FakeConnection(FakeUpstream& upstream, ClientConnectionOwner& owner, std::string host)
    : host(std::move(host)), upstream_(upstream), owner_(owner) {
  upstream_.connections.push_back(this);
}

FakeConnection::~FakeConnection() {
  std::erase(upstream_.connections, this);
}

Task<ClientConnection::Result> FakeConnection::Send(Request request, std::optional<Request>* unsent) {
  ++sent_;
  last_authority = std::string(request.headers().Get(Header::kAuthority));
  last_forwarded_host = std::string(request.headers().Get(Header::kXForwardedHost));
  answered_.Reset();
  co_await answered_.Wait();
  if (outcome_.status != 0) {
    if (outcome_.whole) owner_.OnIdle(*this);
    co_return Response(outcome_.status);
  }
  usable_ = false;
  owner_.OnBroken(*this);
  if (unsent != nullptr) *unsent = std::move(request);
  co_return ExchangeError{outcome_.flag, "upstream_reset_before_response_started{connection_termination}",
                          !outcome_.written, "closed by the test"};
}

void FakeConnection::Answer(int status, bool whole) {
  outcome_ = {.status = status, .whole = whole};
  ++answered_count_;
  answered_.Set();
}

void FakeConnection::Die(bool written) {
  outcome_ = {.status = 0, .whole = false, .written = written};
  answered_.Set();
}

void FakeConnection::LoseClient() {
  outcome_ = {.status = 0, .whole = false, .flag = ResponseFlag::kDownstreamConnectionTermination};
  answered_.Set();
}

void FakeConnection::CloseIdle(bool told) {
  usable_ = false;
  if (told) owner_.OnBroken(*this);
}

Connector FakeUpstream::MakeConnector() {
  return [this](EventLoop&, const ConnectTarget& target, ClientConnectionOwner& owner) {
    last_proxy_header = target.proxy_header;
    return Connect(*this, target.address, owner);
  };
}

Task<ConnectOutcome> FakeUpstream::Connect(FakeUpstream& upstream, const Address& address,
                                           ClientConnectionOwner& owner) {
  ++upstream.dialled;
  if (upstream.dial == Dial::kRefuse) co_return absl::UnavailableError("Connection refused");
  if (upstream.dial == Dial::kHold) co_await upstream.held_.emplace_back().Wait();
  auto connection = std::make_unique<FakeConnection>(upstream, owner, address.ToString());
  if (upstream.dial == Dial::kEndAtOnce) connection->CloseIdle(/*told=*/true);
  co_return ConnectedClient{std::move(connection), Address()};
}

StreamConnector FakeUpstream::MakeStreamConnector() {
  return [this](EventLoop&, const StreamTarget& target) {
    return ConnectStream(*this, target.address, std::string(target.proxy_header));
  };
}

Task<StreamOutcome> FakeUpstream::ConnectStream(FakeUpstream& upstream, const Address& address,
                                                std::string proxy_header) {
  ++upstream.dialled;
  upstream.last_host = address.ToString();
  upstream.last_proxy_header = std::move(proxy_header);
  if (upstream.dial == Dial::kRefuse) co_return absl::UnavailableError("Connection refused");
  if (upstream.dial == Dial::kHold) co_await upstream.held_.emplace_back().Wait();
  co_return ConnectedStream{std::make_unique<FakeStream>(upstream.peers.emplace_back()), Address(), {}};
}

void FakeUpstream::AcceptHeld() {
  const auto first =
      std::find_if(held_.begin(), held_.end(), [](const Event& event) { return event.has_waiter(); });
  ASSERT_NE(first, held_.end());
  first->Set();
}

std::shared_ptr<TlsContext> NoTlsContext() {
  static char place = 0;
  return {std::shared_ptr<TlsContext>(), reinterpret_cast<TlsContext*>(&place)};
}

UpstreamTest::Call::Call(UpstreamTest& test, Cluster& cluster, std::string_view method,
                         AttemptOptions options)
    : exchange_(*test.loop_, test.facts_) {
  HeaderMap headers;
  headers.Add(Header::kMethod, method);
  headers.Add(Header::kAuthority, "shop.example");
  headers.Add(Header::kPath, "/");
  task_ = Run(&cluster, Request(std::move(headers), Body(), exchange_), options, &result_);
  task_.Start();
}

Task<void> UpstreamTest::Call::Run(Cluster* cluster, Request request, AttemptOptions options,
                                   std::optional<ClientConnection::Result>* result) {
  result->emplace(co_await cluster->Send(std::move(request), options));
}

int UpstreamTest::Call::status() const {
  if (!result_.has_value()) return 0;
  const auto* response = std::get_if<Response>(&*result_);
  return response == nullptr ? -1 : response->status();
}

std::shared_ptr<ClusterConfig> UpstreamTest::Config(size_t hosts) {
  auto config = std::make_shared<ClusterConfig>();
  config->name = "products";
  config->stat_name = testing::UnitTest::GetInstance()->current_test_info()->name();
  config->content_hash = 1;
  for (size_t i = 0; i < hosts; ++i) {
    EndpointConfig endpoint;
    endpoint.address = *Address::Ip("127.0.0.1", static_cast<uint16_t>(9001 + i));
    endpoint.hostname = "host" + std::to_string(i + 1) + ".example";
    config->endpoints.push_back(endpoint);
  }
  return config;
}

void UpstreamTest::Start(std::vector<std::shared_ptr<const ClusterConfig>> configs) {
  Start(std::move(configs), upstream_.MakeConnector());
}

void UpstreamTest::Start(std::vector<std::shared_ptr<const ClusterConfig>> configs, Connector connector) {
  set_ = MakeClusterSet(configs, nullptr);
  manager_ = MakeClusterManager(*loop_, set_,
                                {.http = std::move(connector), .stream = upstream_.MakeStreamConnector()});
}

std::unique_ptr<UpstreamTest::Call> UpstreamTest::Send(AttemptOptions options, std::string_view method) {
  auto call = std::make_unique<Call>(*this, products(), method, options);
  Settle();
  return call;
}

void UpstreamTest::Settle() {
  for (int turn = 0; turn < 4; ++turn) loop_->RunOnce();
}

void UpstreamTest::Pass(std::chrono::milliseconds delay) {
  loop_->wheel().Advance(loop_->NowMs() + static_cast<uint64_t>(delay.count()));
  Settle();
}

HostTotals UpstreamTest::TotalsOf(size_t host) {
  return set_->clusters.at("products")->hosts()->hosts.at(host)->Totals();
}

}  // namespace narthex
