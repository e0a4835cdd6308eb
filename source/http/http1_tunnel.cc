#include <utility>

#include "source/http/body_read_size.h"
#include "source/http/http1_server_connection.h"

namespace narthex {

// What the client sends through a tunnel. Reads nothing before it is asked to, which is after the upstream
// has agreed: without a tunnel the client's next bytes are its next request.
class Http1ServerConnection::TunnelBody final : public BodySource {
 public:
  explicit TunnelBody(Serving& serving) : serving_(serving), tunnel_(serving.tunnel) {}
  // Perhaps after the exchange: whoever read it has ended by itself.
  ~TunnelBody() override { tunnel_->GiveUp(); }
  Task<BodyPiece> Read() override;

 private:
  Serving& serving_;
  const std::shared_ptr<Http1Tunnel> tunnel_;
};

Request Http1ServerConnection::OpenTunnel(Serving& serving) {
  serving.exchange.times.request_end = context_.loop.NowUs();
  serving.tunnel = std::make_shared<Http1Tunnel>(context_.loop.wheel());
  return Request(Body(Buffer(), std::make_unique<TunnelBody>(serving), std::nullopt), serving.exchange);
}

Task<BodyPiece> Http1ServerConnection::TunnelBody::Read() {
  Http1ServerConnection& connection = serving_.connection;
  const size_t most = BodyReadSize(connection.context_.options.buffer_limit);
  BodyPiece piece;
  while (connection.input_.empty()) {
    co_await connection.stream_->Readable();
    const IoResult result = connection.stream_->Read(connection.input_, most);
    if (result.ok() || result.kind == IoResult::Kind::kWouldBlock) continue;
    if (result.kind == IoResult::Kind::kEnd) {
      piece.end = true;
      co_return piece;
    }
    connection.broken_ = connection.client_gone_ = true;
    piece.error = std::make_unique<ExchangeError>(ExchangeError{
        ResponseFlag::kDownstreamConnectionTermination, "downstream_remote_disconnect", false, {}});
    co_return piece;
  }
  connection.ArmIdle();
  piece.data = std::move(connection.input_);
  serving_.exchange.request_body_bytes += piece.data.size();
  co_return piece;
}

// The upstream has sent all that it will: the client learns of it, and may go on sending.
Task<void> Http1ServerConnection::FinishTunnel(Serving& serving) {
  stream_->ShutdownWrite();
  if (!serving.tunnel->is_given_up) co_await serving.tunnel->given_up.Wait();
}

}  // namespace narthex
