#include "test/http/proxy_rig.h"

#include <utility>
#include <variant>

namespace narthex {

ProxyRig::ProxyRig(ServerCodecOptions server, ClientCodecOptions client)
    : server_options_(std::move(server)), client_options_(client) {
  auto stream = std::make_unique<FakeStream>(client_);
  stream_ = stream.get();
  server_ = MakeHttp1ServerConnection(std::move(stream),
                                      {*loop_, *this, facts_, server_options_,
                                       [](void* ended) { *static_cast<bool*>(ended) = true; }, &ended_});
}

ProxyRig::~ProxyRig() {
  server_.reset();
}

Task<Response> ProxyRig::Handle(Request request) {
  upstreams_.push_back(std::make_unique<Upstream>());
  Upstream& upstream = *upstreams_.back();
  upstream.peer.window = upstream_window_;
  auto stream = std::make_unique<FakeStream>(upstream.peer);
  upstream.stream = stream.get();
  upstream.connection = MakeHttp1ClientConnection(*loop_, std::move(stream), upstream, client_options_);
  ClientConnection::Result result = co_await upstream.connection->Send(std::move(request));
  if (auto* error = std::get_if<ExchangeError>(&result)) co_return LocalReplyFor(std::move(*error));
  co_return std::get<Response>(std::move(result));
}

Response ProxyRig::Refuse(Exchange& exchange, int status, ExchangeError error) {
  exchange.response_details = error.detail;
  return LocalReply(status, error.detail, error.detail);
}

void ProxyRig::OnEnd(Exchange& exchange, const HeaderMap*, const HeaderMap*, const HeaderMap*) {
  ++finished_;
  details_ = exchange.response_details;
}

void ProxyRig::Send(std::string_view bytes) {
  if (closed()) return;
  stream_->Deliver(bytes);
  Settle();
}

void ProxyRig::CloseSending() {
  if (closed()) return;
  stream_->Close();
  Settle();
}

void ProxyRig::Reset() {
  if (closed()) return;
  stream_->Fail(ECONNRESET);
  Settle();
}

void ProxyRig::Drain(size_t bytes) {
  if (closed()) return;
  stream_->Drained(bytes);
  Settle();
}

void ProxyRig::Answer(size_t i, std::string_view bytes) {
  upstreams_[i]->stream->Deliver(bytes);
  Settle();
}

void ProxyRig::CloseUpstream(size_t i) {
  upstreams_[i]->stream->Close();
  Settle();
}

void ProxyRig::ResetUpstream(size_t i) {
  upstreams_[i]->stream->Fail(ECONNRESET);
  Settle();
}

void ProxyRig::DrainUpstream(size_t i, size_t bytes) {
  upstreams_[i]->stream->Drained(bytes);
  Settle();
}

void ProxyRig::Advance(int milliseconds) {
  loop_->wheel().Advance(loop_->NowMs() + static_cast<uint64_t>(milliseconds));
  Settle();
}

void ProxyRig::Settle() {
  // Whoever waits for a connection that was shut down meets its end in the next turn.
  for (size_t i = 0; i < upstreams_.size(); ++i) {
    Upstream& upstream = *upstreams_[i];
    if (upstream.peer.write_shut && !std::exchange(upstream.woken, true)) upstream.stream->Wake();
  }
  if (!ended_ || server_ == nullptr) return;
  ended_by_ = server_->ended_by();
  server_.reset();
}

}  // namespace narthex
