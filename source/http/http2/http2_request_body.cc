#include <utility>

#include "source/base/random.h"
#include "source/http/http2/http2_server_stream.h"

namespace narthex {

// Reads a request's body as the handler asks for it, which lets the client send more.
class Http2ServerStream::RequestBody final : public BodySource {
 public:
  explicit RequestBody(Http2ServerStream& stream) : stream_(stream), tunnel_(stream.tunnel_) {}
  ~RequestBody() override {
    if (const auto stream = tunnel_.lock(); stream != nullptr) (*stream)->EndUpload();
  }

  Task<BodyPiece> Read() override {
    stream_.SendContinue();
    while (stream_.received.empty() && !stream_.remote_ended && !stream_.goodbye_ && !stream_.closed_) {
      stream_.readable.Reset();
      const Awaited awaited(stream_);
      co_await stream_.readable.Wait();
    }
    BodyPiece piece;
    if (stream_.closed_ && !stream_.remote_ended) {
      stream_.EndUpload();
      piece.error = std::make_unique<ExchangeError>(
          ExchangeError{ResponseFlag::kDownstreamRemoteReset, "http2.remote_reset", false, {}});
      co_return piece;
    }
    if (stream_.received.empty() && stream_.goodbye_) {
      piece.data.Append(GoingAwayFromClient(static_cast<uint32_t>(Random64())));
      piece.end = true;
      co_return piece;
    }
    piece = stream_.session.TakeReceived(stream_);
    if (stream_.closed_) stream_.Touch();
    if (stream_.watch_) stream_.watch_->FromClient(piece.data);
    co_return piece;
  }

 private:
  class Awaited {
   public:
    explicit Awaited(Http2ServerStream& stream) : stream_(stream) { stream_.AwaitBody(); }
    Awaited(const Awaited&) = delete;
    ~Awaited() { stream_.AwaitBodyNoMore(); }

   private:
    Http2ServerStream& stream_;
  };

  Http2ServerStream& stream_;
  const std::weak_ptr<Http2ServerStream*> tunnel_;
};

Request Http2ServerStream::MakeRequest() {
  const ServerCodecOptions& options = connection_.context().options;
  if (continue_pending_ && options.proxy_100_continue) {
    // Whether the body is wanted is the upstream's to say.
    continue_pending_ = false;
    exchange_.request_headers.Add(Header::kExpect, "100-continue");
  }
  if (tunnel_ != nullptr) {
    exchange_.times.request_end = session.loop().NowUs();
    return Request(Body(Buffer(), std::make_unique<RequestBody>(*this), std::nullopt), exchange_);
  }
  if (!remote_ended) {
    if (options.request_timeout.count() > 0) deadline_.Arm(options.request_timeout);
    return Request(Body(Buffer(), std::make_unique<RequestBody>(*this), content_length), exchange_);
  }
  exchange_.times.request_end = session.loop().NowUs();
  exchange_.request_body_bytes = received_bytes;
  if (received_bytes == 0 && !content_length && trailers == nullptr) return Request(Body(), exchange_);
  session.Consume(*this, received.size());
  Body body(std::move(received));
  if (trailers != nullptr) body.set_trailers(std::move(trailers));
  return Request(std::move(body), exchange_);
}

// Once the response has begun, both ends may talk to each other as slowly as they like, and what goes through
// a tunnel is owed by nobody.
void Http2ServerStream::AwaitBody() {
  if (head_sent_ || tunnel_ != nullptr || std::exchange(body_awaited_, true)) return;
  connection_.WaitForBody();
}

void Http2ServerStream::AwaitBodyNoMore() {
  if (std::exchange(body_awaited_, false)) connection_.GoOnWithBody();
}

// Nobody reads what the client sends through the tunnel any more. Called from inside whoever read it.
void Http2ServerStream::EndUpload() {
  upload_over_ = true;
  // Finished looks again.
  if (sent) session.MarkReady(*this, kSent);
}

void Http2ServerStream::OnTooSlow() {
  const uint64_t age = session.loop().NowMs() - began_;
  if (!body_awaited_ || !handler_.waiting() || age < static_cast<uint64_t>(ClientPace::kWindow.count()))
    return;
  timed_out_ = TimedOut::kSlow;
  handler_.Interrupt();
}

}  // namespace narthex
