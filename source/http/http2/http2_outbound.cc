// What goes to the peer.

#include <algorithm>
#include <utility>

#include "source/http/http2/http2_session.h"

namespace narthex {
namespace {

constexpr size_t kFrameHead = 9;

}  // namespace

bool Http2Session::SubmitResponse(Http2Stream& stream, const Http2Fields& fields, bool body) {
  nghttp2_data_provider provider;
  provider.source.ptr = nullptr;  // the stream is found by its id, which can't dangle
  provider.read_callback = [](nghttp2_session*, int32_t id, uint8_t*, size_t length, uint32_t* flags,
                              nghttp2_data_source*, void* self) {
    return static_cast<Http2Session*>(self)->ReadData(id, length, flags);
  };
  const nghttp2_data_provider* data = body ? &provider : nullptr;
  if (nghttp2_submit_response(raw(), stream.id, fields.data(), fields.size(), data) != 0) return false;
  stream.head_pending = true;
  ++heads_pending_;
  ScheduleTurn();
  return true;
}

bool Http2Session::SubmitRequest(Http2Stream& stream, const Http2Fields& fields, bool body) {
  nghttp2_data_provider provider;
  provider.source.ptr = nullptr;
  provider.read_callback = [](nghttp2_session*, int32_t id, uint8_t*, size_t length, uint32_t* flags,
                              nghttp2_data_source*, void* self) {
    return static_cast<Http2Session*>(self)->ReadData(id, length, flags);
  };
  const int32_t id = nghttp2_submit_request(raw(), nullptr, fields.data(), fields.size(),
                                            body ? &provider : nullptr, &stream);
  if (id < 0) return false;
  stream.id = id;
  stream.attached = stream.head_pending = true;
  ++heads_pending_;
  stats_.streams_active.Add(1);
  keepalive_.OnStreamOpened();
  guards_.OnStreamOpened();
  ScheduleTurn();
  return true;
}

void Http2Session::SubmitInterim(Http2Stream& stream, const Http2Fields& fields) {
  if (!stream.attached) return;
  nghttp2_submit_headers(raw(), NGHTTP2_FLAG_NONE, stream.id, nullptr, fields.data(), fields.size(), nullptr);
  ScheduleTurn();
}

void Http2Session::Send(Http2Stream& stream, Buffer data, bool end, const HeaderMap* trailers) {
  stream.to_send = std::move(data);
  stream.send_ended = end;
  stream.trailers_to_send = trailers;
  if (stream.attached && std::exchange(stream.deferred, false)) {
    nghttp2_session_resume_data(raw(), stream.id);
    ScheduleTurn();
  }
}

ssize_t Http2Session::ReadData(int32_t id, size_t length, uint32_t* flags) {
  Http2Stream* stream = Find(id);
  // Its reset is on its way, or it has no owner.
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t size = std::min(length, stream->to_send.size());
  if (size == 0 && !stream->send_ended) {
    stream->deferred = true;
    MarkReady(*stream, Http2Stream::kSendable);
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream->send_ended && size == stream->to_send.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers_to_send != nullptr && WriteHttp2Trailers(*stream->trailers_to_send, scratch_) &&
        !scratch_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      nghttp2_submit_trailer(raw(), id, scratch_.data(), scratch_.size());
    }
  }
  return static_cast<ssize_t>(size);
}

// The frame goes behind what is written already, its payload without being copied.
int Http2Session::SendData(int32_t id, const uint8_t* head, size_t length) {
  if (output_.size() >= piece_size_) return NGHTTP2_ERR_WOULDBLOCK;
  Http2Stream* stream = Find(id);
  if (stream == nullptr || stream->to_send.size() < length) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  output_.Append(std::string_view(reinterpret_cast<const char*>(head), kFrameHead));
  output_.Append(stream->to_send.Take(length));
  data_sent_ += length;
  const bool more = stream->to_send.empty() && !stream->send_ended;
  MarkReady(*stream, more ? Http2Stream::kSendable : Http2Stream::kProgress);
  return 0;
}

void Http2Session::OnFrameSent(const nghttp2_frame& frame) {
  output_.EndFrame();
  Http2Stream* stream = nullptr;
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      guards_.OnDataSent();
      [[fallthrough]];
    case NGHTTP2_HEADERS:
      stream = Find(frame.hd.stream_id);
      if (stream == nullptr) return;
      if (std::exchange(stream->head_pending, false)) --heads_pending_;
      if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
      stream->sent = true;
      guards_.OnStreamAnswered();
      MarkReady(*stream, Http2Stream::kSent);
      break;
    case NGHTTP2_RST_STREAM:
      stats_.tx_reset.Add();
      ids_.OnReset(frame.hd.stream_id);
      break;
    case NGHTTP2_GOAWAY:
      stats_.goaway_sent.Add();
      // What nghttp2 refuses itself.
      if (frame.goaway.error_code != NGHTTP2_NO_ERROR && failure_.empty()) failure_ = "http2.protocol_error";
      break;
    default:
      break;
  }
}

void Http2Session::Flush() {
  while (!write_blocked_ && state_ < State::kLingering) {
    Pull();
    if (output_.size() < piece_size_ && Dispatch()) continue;
    if (output_.empty()) return;
    Write();
  }
}

// Takes frames from nghttp2 until enough is ready to be written.
void Http2Session::Pull() {
  while (output_.size() < piece_size_) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(raw(), &bytes);
    if (size <= 0) return;
    output_.Append(std::string_view(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)));
  }
}

void Http2Session::Write() {
  if (!WriteSome()) End(true);
}

// False when the connection is broken.
bool Http2Session::WriteSome() {
  const IoResult result = output_.WriteTo(*stream_);
  if (result.kind != IoResult::Kind::kWouldBlock) return result.ok();
  write_blocked_ = true;
  if (std::exchange(writing_, true)) return true;
  writer_ = Writer();
  writer_.Start();
  return true;
}

// A connection that is found broken ends with the turn.
void Http2Session::PushOut() {
  if (state_ != State::kOpen || write_blocked_) return;
  Pull();
  if (!output_.empty() && !WriteSome()) ScheduleTurn();
}

// Waits for the peer to read, as long as anything waits for that.
Task<void> Http2Session::Writer() {
  while (write_blocked_ && state_ != State::kEnded) {
    co_await stream_->Writable();
    if (state_ == State::kEnded) break;
    write_blocked_ = false;
    Turn();
  }
  writing_ = false;
}

void Http2Session::CheckOutbound() {
  const size_t queued = nghttp2_session_get_outbound_queue_size(raw());
  const size_t control = queued - std::min(queued, heads_pending_);
  const Http2Flood flood = guards_.OnOutbound(control, queued + output_.frames());
  if (flood != Http2Flood::kNone) CloseFor(flood);
}

void Http2Session::Reset(Http2Stream& stream, uint32_t code) {
  if (!stream.attached) return;
  if (state_ != State::kEnded) nghttp2_submit_rst_stream(raw(), NGHTTP2_FLAG_NONE, stream.id, code);
  stream.error_code = code;
  Detach(stream);
  MarkReady(stream, Http2Stream::kClosed);
}

void Http2Session::ShutdownNotice() {
  nghttp2_submit_shutdown_notice(raw());
  ScheduleTurn();
}

void Http2Session::FinalGoAway() {
  const int32_t last = nghttp2_session_get_last_proc_stream_id(raw());
  ids_.OnFinal(last);
  nghttp2_submit_goaway(raw(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  ScheduleTurn();
}

// With the last GOAWAY. nghttp2 would count streams that came behind the one before.
void Http2Session::Terminate(uint32_t code) {
  nghttp2_session_terminate_session2(raw(), ids_.LastServed(nghttp2_session_get_last_proc_stream_id(raw())),
                                     code);
}

void Http2Session::Ping(const uint8_t (&opaque)[8]) {
  nghttp2_submit_ping(raw(), NGHTTP2_FLAG_NONE, opaque);
  ScheduleTurn();
}

}  // namespace narthex
