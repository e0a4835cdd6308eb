#include <utility>

#include "source/base/random.h"
#include "source/http/body_read_size.h"
#include "source/http/http1_serving.h"

namespace narthex {
namespace {

// Readable() as a task.
Task<bool> IsReadable(Stream& stream) {
  co_await stream.Readable();
  co_return true;
}

}  // namespace

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
  serving.tunnel = std::make_shared<Http1Tunnel>(context_.loop.wheel(), serving.exchange.request_headers);
  return Request(Body(Buffer(), std::make_unique<TunnelBody>(serving), std::nullopt), serving.exchange);
}

Task<BodyPiece> Http1ServerConnection::TunnelBody::Read() {
  Http1ServerConnection& connection = serving_.connection;
  const size_t most = BodyReadSize(connection.context_.options.buffer_limit);
  BodyPiece piece;
  while (connection.input_.empty()) {
    const std::optional<bool> more =
        co_await Interruptible<bool>(IsReadable(*connection.stream_), tunnel_->upload);
    if (!more) {
      piece.data.Append(GoingAwayFromClient(static_cast<uint32_t>(Random64())));
      piece.end = true;
      co_return piece;
    }
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
  tunnel_->watch.FromClient(piece.data);
  serving_.exchange.request_body_bytes += piece.data.size();
  co_return piece;
}

// Each end for itself: one that stands within a message is cut. The upstream gets its frame as the last of
// what the client sent.
void Http1ServerConnection::SayGoodbye() {
  if (serving_ == nullptr || serving_->tunnel == nullptr || !serving_->tunnel->open) return;
  Http1Tunnel& tunnel = *serving_->tunnel;
  if (tunnel.watch.MayTellClient() && !serving_->finished) {
    output_.Append(GoingAwayFromServer());
    stream_->Write(output_);
  }
  if (tunnel.watch.MayTellUpstream()) tunnel.upload.Interrupt();
}

// The upstream has sent all that it will: the client learns of it, and may go on sending.
Task<void> Http1ServerConnection::FinishTunnel(Serving& serving) {
  stream_->ShutdownWrite();
  if (!serving.tunnel->is_given_up) co_await serving.tunnel->given_up.Wait();
}

}  // namespace narthex
