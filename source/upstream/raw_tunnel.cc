#include "source/upstream/raw_tunnel.h"

#include <cstring>
#include <optional>
#include <utility>

#include "source/event/event_loop.h"
#include "source/event/next_turn.h"
#include "source/http/body_read_size.h"

namespace narthex {
namespace {

// After so many reads that met no wait, other connections of the loop have their turn.
constexpr int kReadsATurn = 16;

// What the host sends; beside it, what the client sends is pumped to the host.
class RawTunnel final : public BodySource {
 public:
  RawTunnel(RawConnection upstream, Body from_client, Exchange& exchange)
      : upstream_(std::move(upstream)), from_client_(std::move(from_client)), exchange_(exchange) {}
  ~RawTunnel() override { pump_.Cancel(); }

  void Start() {
    pump_ = Pump();
    pump_.Start();
  }
  Task<BodyPiece> Read() override;

 private:
  Task<void> Pump();
  Task<bool> Write(Buffer bytes);

  RawConnection upstream_;
  Body from_client_;
  Exchange& exchange_;
  std::optional<ExchangeError> pump_error_;
  int reads_ = 0;
  Task<void> pump_;
};

Task<BodyPiece> RawTunnel::Read() {
  Stream& stream = *upstream_.stream;
  BodyPiece piece;
  while (true) {
    const IoResult result = stream.Read(piece.data, BodyReadSize(0));
    if (result.ok()) {
      if (++reads_ < kReadsATurn) co_return piece;
      reads_ = 0;
      co_await NextTurn(exchange_.loop());
      co_return piece;
    }
    reads_ = 0;
    if (result.kind == IoResult::Kind::kWouldBlock) {
      co_await stream.Readable();
      continue;
    }
    exchange_.times.response_end = exchange_.loop().NowUs();
    // An end that came because the client broke off is not the host's.
    if (pump_error_) {
      piece.error = std::make_unique<ExchangeError>(*pump_error_);
      co_return piece;
    }
    // Behind the client's end, which has been passed on, the host's is only the answer.
    if (!from_client_.absent()) upstream_.token->EndedByHost();
    piece.end = result.kind == IoResult::Kind::kEnd;
    if (piece.end) co_return piece;
    piece.error = std::make_unique<ExchangeError>(ExchangeError{
        ResponseFlag::kUpstreamConnectionTermination,
        "upstream_reset_after_response_started{connection_termination}", false, std::strerror(result.error)});
    co_return piece;
  }
}

Task<void> RawTunnel::Pump() {
  while (true) {
    BodyPiece piece = co_await from_client_.Read();
    if (piece.error != nullptr) {
      // The reader may wait for a host that nobody will answer any more: wake it.
      pump_error_ = std::move(*piece.error);
      upstream_.stream->ShutdownBoth();
      co_return;
    }
    // What can't be written is met again by the reader.
    if (!co_await Write(std::move(piece.data)) || piece.end) break;
  }
  exchange_.times.upstream_end = exchange_.loop().NowUs();
  // Whoever waits for the end of this direction learns of it.
  from_client_ = Body();
  upstream_.stream->ShutdownWrite();
}

// False when the host takes no more.
Task<bool> RawTunnel::Write(Buffer bytes) {
  while (!bytes.empty()) {
    const IoResult result = upstream_.stream->Write(bytes);
    if (result.ok()) break;
    if (result.kind != IoResult::Kind::kWouldBlock) co_return false;
    co_await upstream_.stream->Writable();
  }
  co_return true;
}

}  // namespace

Task<ClientConnection::Result> OpenRawTunnel(Cluster& cluster, Request request, AttemptOptions options) {
  Exchange& exchange = request.info();
  RawOptions raw{.priority = options.priority, .random = options.random, .hash = options.hash};
  raw.match = options.match;
  raw.client = &exchange.connection();
  raw.request = &request.headers();
  if (options.avoid != nullptr && !options.avoid->empty()) raw.avoid = options.avoid->back();
  RawResult connected = co_await cluster.Connect(std::move(raw), exchange.upstream);
  if (auto* error = std::get_if<ExchangeError>(&connected)) {
    if (error->flag == ResponseFlag::kUpstreamConnectionFailure) {
      exchange.upstream.transport_failure = error->cause;
    }
    co_return std::move(*error);
  }
  exchange.times.response_head = exchange.loop().NowUs();
  auto tunnel = std::make_unique<RawTunnel>(std::get<RawConnection>(std::move(connected)),
                                            std::move(request.body()), exchange);
  tunnel->Start();
  HeaderMap headers;
  headers.AddView(Header::kStatus, "200");
  co_return Response(std::move(headers), Body(Buffer(), std::move(tunnel), std::nullopt));
}

}  // namespace narthex
