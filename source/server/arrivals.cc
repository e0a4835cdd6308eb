#include "source/server/arrivals.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/event/timeout.h"
#include "source/net/proxy_protocol.h"
#include "source/net/socket.h"
#include "source/server/connection_log.h"
#include "source/server/recognize_http.h"
#include "source/tls/client_hello.h"
#include "source/tls/tls_stream.h"

namespace narthex {

namespace {

// Who has been waited for longer than this may have to give way.
constexpr uint64_t kLongUs = 1'000'000;
// A request line beyond it is no longer looked at: Envoy's limit.
constexpr size_t kMaxRequestLine = 64 * 1024;

// What is recognized, as filter chains name it and as it is counted.
std::pair<const char*, const Counter*> NameOf(SpokenHttp spoken, const HttpInspectorFilter& filter) {
  if (spoken == SpokenHttp::kHttp10) return {"http/1.0", &filter.http10_found};
  if (spoken == SpokenHttp::kHttp11) return {"http/1.1", &filter.http11_found};
  return {"h2c", &filter.http2_found};
}

}  // namespace

Arrivals::Arrivals(EventLoop& loop, WorkerShared& shared, Serve serve)
    : loop_(loop), shared_(shared), serve_(std::move(serve)) {}

Arrivals::~Arrivals() {
  while (!waiting_.empty()) {
    // Its task first, which uses the rest of it.
    waiting_.front()->task.Cancel();
    End(*waiting_.front());
  }
}

void Arrivals::Take(std::shared_ptr<const ListenerConfig> config, const ListenerBooks& books, int fd,
                    ConnectionFacts facts) {
  auto made = std::make_unique<Arrival>(Arrival{std::move(config), books, std::move(facts)});
  Arrival& arrival = *made;
  arrival.since_us = loop_.NowUs();
  arrival.fd = arrival.socket = fd;
  arrival.position = waiting_.insert(waiting_.end(), std::move(made));
  books.open->fetch_add(1, std::memory_order_relaxed);
  shared_.CountOpened();
  books.stats.pre_cx_active.Add(1);
  arrival.task = Run(arrival);
  arrival.task.Start();
}

bool Arrivals::CloseOldest() {
  if (waiting_.empty()) return false;
  Arrival& oldest = *waiting_.front();
  if (loop_.NowUs() - oldest.since_us < kLongUs) return false;
  oldest.task.Cancel();
  End(oldest);
  return true;
}

void Arrivals::EndLate(const ReducedTimeouts& reduced) {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    Arrival& arrival = **next++;
    if (arrival.handshakes == nullptr) continue;
    const std::chrono::milliseconds waited((loop_.NowUs() - arrival.handshake_us) / 1000);
    if (!reduced.Over(ScaledTimeout::kTransportConnect, arrival.handshakes->connect_timeout, waited))
      continue;
    // Before its stream goes with the task, whose socket the log asks for addresses.
    HandshakeFailed(arrival, "");
    arrival.task.Cancel();
    End(arrival);
  }
}

// An empty `error`: it took too long.
void Arrivals::HandshakeFailed(Arrival& arrival, std::string error) {
  if (error.empty()) {
    arrival.books.stats.cx_transport_socket_connect_timeout.Add();
    error = "TLS error: the handshake timed out";
  }
  arrival.facts.Detail([&](ConnectionDetails& known) { known.transport_failure = std::move(error); });
  LogConnection(loop_, arrival.books, arrival.facts, {arrival.socket, arrival.since_us});
}

// Forgets it, and closes what it still has. May be called from its own task, which ends then.
void Arrivals::End(Arrival& arrival) {
  if (arrival.fd >= 0) close(std::exchange(arrival.fd, -1));
  arrival.books.open->fetch_sub(1, std::memory_order_relaxed);
  shared_.CountEnded();
  arrival.books.stats.pre_cx_active.Sub(1);
  std::unique_ptr<Arrival> ended = std::move(*arrival.position);
  waiting_.erase(arrival.position);
  loop_.DeleteLater(std::move(ended));
}

Task<void> Arrivals::Run(Arrival& arrival) {
  const FilterChainConfig* chain = nullptr;
  if (co_await PassFilters(arrival)) chain = ChooseChain(arrival);
  std::unique_ptr<Stream> stream;
  if (chain != nullptr) stream = co_await MakeStream(arrival, *chain);
  if (stream != nullptr) {
    ArrivedConnection arrived{
        arrival.config, *chain, arrival.books, arrival.socket, std::move(stream), std::move(arrival.facts)};
    End(arrival);
    serve_(std::move(arrived));
    co_return;
  }
  End(arrival);
}

// Whether the connection may go on.
Task<bool> Arrivals::PassFilters(Arrival& arrival) {
  const ListenerFilters& filters = arrival.config->listener_filters;
  if (filters.filters.empty()) co_return true;
  const std::optional<Look> look = co_await WithTimeout(loop_, RunFilters(arrival), filters.timeout);
  if (look) co_return *look == Look::kGoOn;
  arrival.books.stats.pre_cx_timeout.Add();
  co_return filters.continue_on_timeout;
}

Task<Arrivals::Look> Arrivals::RunFilters(Arrival& arrival) {
  FirstBytes bytes(loop_, arrival.fd);
  for (const ListenerFilter& filter : arrival.config->listener_filters.filters) {
    Look look = Look::kGoOn;
    if (const auto* proxy = std::get_if<ProxyProtocolFilter>(&filter)) {
      look = co_await TakeProxyHeader(arrival, bytes, *proxy);
    } else if (const auto* tls = std::get_if<TlsInspectorFilter>(&filter)) {
      look = co_await InspectTls(arrival, bytes, *tls);
    } else {
      look = co_await InspectHttp(arrival, bytes, std::get<HttpInspectorFilter>(filter));
    }
    if (look == Look::kClose) co_return look;
  }
  co_return Look::kGoOn;
}

Task<Arrivals::Look> Arrivals::TakeProxyHeader(Arrival& arrival, FirstBytes& bytes,
                                               const ProxyProtocolFilter& filter) {
  ProxyHeader header = ParseProxyHeader(bytes.seen());
  while (header.kind == ProxyHeader::Kind::kNeedMore) {
    const FirstBytes::State state = co_await bytes.More(kMaxProxyHeader);
    if (state != FirstBytes::State::kMore) {
      arrival.books.stats.listener_filter_remote_close.Add();
      co_return Look::kClose;
    }
    header = ParseProxyHeader(bytes.seen());
  }
  if (header.kind == ProxyHeader::Kind::kNone) {
    (filter.optional ? filter.not_found_allowed : filter.not_found_disallowed).Add();
    if (filter.optional) co_return Look::kGoOn;
    arrival.books.stats.listener_filter_error.Add();
    co_return Look::kClose;
  }
  const auto& counters = filter.versions[header.version - 1];
  const bool allowed = filter.allowed[header.version - 1];
  if (header.kind == ProxyHeader::Kind::kBad || !allowed) {
    (allowed ? counters.error : counters.disallowed).Add();
    arrival.books.stats.listener_filter_error.Add();
    co_return Look::kClose;
  }
  counters.found.Add();
  bytes.Take(header.size);
  if (header.source.empty()) co_return Look::kGoOn;
  arrival.facts.SpeaksFor(std::move(header.source), std::move(header.destination));
  co_return Look::kGoOn;
}

Task<Arrivals::Look> Arrivals::InspectTls(Arrival& arrival, FirstBytes& bytes,
                                          const TlsInspectorFilter& filter) {
  using State = ClientHello::State;
  ClientHello hello = ClientHello::Peek(bytes.seen());
  while (hello.state == State::kNeedMore) {
    const FirstBytes::State state = co_await bytes.More(filter.max_client_hello);
    if (state == FirstBytes::State::kEnd) {
      arrival.books.stats.listener_filter_remote_close.Add();
      co_return Look::kClose;
    }
    if (state == FirstBytes::State::kLimit) {
      filter.client_hello_too_large.Add();
      hello.state = State::kMalformed;
      break;
    }
    hello = ClientHello::Peek(bytes.seen());
  }
  if (hello.state != State::kDone) {
    filter.tls_not_found.Add();
    const bool refused = hello.state == State::kMalformed && filter.close_on_error;
    if (refused) arrival.books.stats.listener_filter_error.Add();
    co_return refused ? Look::kClose : Look::kGoOn;
  }
  filter.tls_found.Add();
  (hello.server_name.empty() ? filter.sni_not_found : filter.sni_found).Add();
  (hello.alpn.empty() ? filter.alpn_not_found : filter.alpn_found).Add();
  arrival.traits.transport_protocol = "tls";
  arrival.traits.application_protocols = std::move(hello.alpn);
  arrival.facts.Detail([&](ConnectionDetails& known) { known.server_name = std::move(hello.server_name); });
  co_return Look::kGoOn;
}

Task<Arrivals::Look> Arrivals::InspectHttp(Arrival& arrival, FirstBytes& bytes,
                                           const HttpInspectorFilter& filter) {
  // TLS was found already, and what it hides cannot be seen.
  if (arrival.traits.transport_protocol != "raw_buffer") co_return Look::kGoOn;
  SpokenHttp spoken = RecognizeHttp(bytes.seen());
  while (spoken == SpokenHttp::kNeedMore) {
    const FirstBytes::State state = co_await bytes.More(kMaxRequestLine);
    if (state == FirstBytes::State::kEnd) {
      arrival.books.stats.listener_filter_remote_close.Add();
      co_return Look::kClose;
    }
    if (state == FirstBytes::State::kLimit) {
      filter.read_error.Add();
      arrival.books.stats.listener_filter_error.Add();
      co_return Look::kClose;
    }
    spoken = RecognizeHttp(bytes.seen());
  }
  if (spoken == SpokenHttp::kNone) {
    filter.http_not_found.Add();
    co_return Look::kGoOn;
  }
  const auto [name, counter] = NameOf(spoken, filter);
  counter->Add();
  arrival.traits.application_protocols = {name};
  co_return Look::kGoOn;
}

const FilterChainConfig* Arrivals::ChooseChain(Arrival& arrival) {
  ConnectionTraits& traits = arrival.traits;
  traits.local = arrival.facts.local;
  traits.remote = arrival.facts.remote;
  traits.server_name = arrival.facts.server_name();
  const FilterChainConfig* chain = arrival.config->FindChain(traits);
  if (chain != nullptr) return chain;
  arrival.books.stats.no_filter_chain_match.Add();
  LogUnmatched(loop_, arrival.books, arrival.facts);
  return nullptr;
}

// Null when the connection has failed.
Task<std::unique_ptr<Stream>> Arrivals::MakeStream(Arrival& arrival, const FilterChainConfig& chain) {
  const int fd = std::exchange(arrival.fd, -1);
  if (chain.tls == nullptr) co_return MakeSocketStream(loop_, fd);
  std::unique_ptr<TlsStream> stream = TlsStream::MakeServer(loop_, fd, chain.tls);
  if (stream == nullptr) co_return nullptr;
  arrival.handshakes = &chain;
  arrival.handshake_us = loop_.NowUs();
  const std::optional<TlsHandshakeResult> result =
      co_await WithTimeout(loop_, stream->Handshake(), chain.connect_timeout);
  arrival.handshakes = nullptr;
  if (!result || !result->ok) {
    HandshakeFailed(arrival, result ? result->error : "");
    co_return nullptr;
  }
  arrival.facts.secure = true;
  arrival.facts.Detail([&](ConnectionDetails& known) {
    known.tls = stream->Facts();
    known.server_name = known.tls->server_name;
  });
  co_return stream;
}

}  // namespace narthex
