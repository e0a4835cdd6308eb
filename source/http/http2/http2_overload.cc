// What an overloaded process asks of a connection and its streams.

#include "source/http/http2/http2_server_connection.h"
#include "source/http/http2/http2_server_stream.h"

namespace narthex {

// The timers stay as they are armed: what has waited for long enough is ended when it is looked at, so that
// nothing is asked of requests as long as all is well.
void Http2ServerConnection::EndLate(const ReducedTimeouts& reduced) {
  if (!session_.open()) return;
  if (idle_ && draining_ == Draining::kNo) {
    const std::chrono::milliseconds idle(context_.loop.NowMs() - idle_since_);
    if (!reduced.Over(ScaledTimeout::kConnectionIdle, context_.options.idle_timeout, idle)) return;
    idle_timer_.Cancel();
    return OnIdleTimer(this);
  }
  for (Http2ServerStream* stream = first_; stream != nullptr; stream = stream->next) {
    stream->EndIfLate(reduced);
  }
}

void Http2ServerConnection::Weigh(StreamAccounts& accounts) {
  for (Http2ServerStream* stream = first_; stream != nullptr; stream = stream->next) {
    accounts.Add(stream->Held(), &Http2ServerConnection::OnHighMemory, this, stream->id);
  }
}

// Another reset may have ended it.
void Http2ServerConnection::OnHighMemory(void* self, int32_t id) {
  Http2ServerStream* stream = static_cast<Http2ServerConnection*>(self)->first_;
  while (stream != nullptr && stream->id != id) stream = stream->next;
  if (stream != nullptr) stream->OnHighMemory();
}

void Http2ServerStream::EndIfLate(const ReducedTimeouts& reduced) {
  if (!idle_timer_.armed()) return;
  const std::chrono::milliseconds full = IdleTimeout();
  if (!reduced.Over(ScaledTimeout::kStreamIdle, full, full - idle_timer_.left())) return;
  idle_timer_.Cancel();
  OnIdleTimer(this);
}

size_t Http2ServerStream::Held() {
  const size_t bytes = received.size() + to_send.size() + exchange_.held_bytes.Total();
  return bytes + (response_ ? response_->body().buffered().size() : 0);
}

void Http2ServerStream::OnHighMemory() {
  if (!started_ || sent) return;
  BreakOff(ResponseFlag::kOverloadManager, kHighMemoryStream, NGHTTP2_INTERNAL_ERROR);
}

}  // namespace narthex
