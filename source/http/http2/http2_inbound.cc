// What comes from the peer.

#include <algorithm>
#include <utility>

#include "source/http/http2/http2_session.h"

namespace narthex {
namespace {

// A shorter piece of DATA is copied: it would hold a whole block for itself.
constexpr size_t kWorthSharing = Block::kSize / 4;

}  // namespace

void Http2Session::Receive() {
  keepalive_.OnActivity();
  receiving_ = true;
  if (!parked_.empty()) {
    Buffer all(std::exchange(parked_, {}));
    all.Append(std::move(input_));
    input_ = std::move(all);
  }
  while (!input_.empty() && state_ == State::kOpen) {
    if (frame_left_ == 0 && !BeginFrame()) break;
    const std::string_view front = input_.Front().substr(0, frame_left_);
    const ssize_t taken =
        nghttp2_session_mem_recv(raw(), reinterpret_cast<const uint8_t*>(front.data()), front.size());
    if (taken < 0) {
      OnReceiveError(static_cast<int>(taken));
      break;
    }
    frame_left_ -= static_cast<size_t>(taken);
    input_.Consume(static_cast<size_t>(taken));
    // By its frames: nghttp2 says nothing of a head that it ignores.
    if (frame_left_ == 0 && std::exchange(head_ends_, false)) head_open_ = false;
  }
  // The beginning of a frame's header must not cost a block.
  if (state_ == State::kOpen) parked_ = input_.ToString();
  input_.Clear();
  receiving_ = false;
  if (state_ == State::kOpen) CheckOutbound();
}

// A frame begins in `input_`. nghttp2 gets it when it has been looked at: it lets some pass, and says nothing
// of those that it ignores. False when more bytes are needed, or the connection is closed.
bool Http2Session::BeginFrame() {
  constexpr size_t kFrameHead = 9;
  constexpr size_t kPriority = kFrameHead + 5;
  if (!input_.Linearize(kFrameHead)) return false;
  const auto* head = reinterpret_cast<const uint8_t*>(input_.Front().data());
  const auto number = [&](size_t at) {
    return uint32_t{head[at]} << 24 | uint32_t{head[at + 1]} << 16 | uint32_t{head[at + 2]} << 8 |
           head[at + 3];
  };
  const Frame frame{.length = number(0) >> 8,
                    .type = head[3],
                    .flags = head[4],
                    .id = static_cast<int32_t>(number(5) & 0x7fffffff)};
  uint32_t fault = FaultOf(frame);
  if (frame.type == NGHTTP2_PRIORITY && frame.length == kPriority - kFrameHead) {
    if (!input_.Linearize(kPriority)) return false;
    head = reinterpret_cast<const uint8_t*>(input_.Front().data());
    const auto dependency = static_cast<int32_t>(number(kFrameHead) & 0x7fffffff);
    if (frame.id == 0 || dependency == frame.id) fault = NGHTTP2_PROTOCOL_ERROR;
  }
  const Http2Flood flood = FloodOf(frame);
  if (flood != Http2Flood::kNone) {
    CloseFor(flood);
  } else if (fault != NGHTTP2_NO_ERROR) {
    stats_.rx_messaging_error.Add();
    Close(fault, "http2.protocol_error");
  }
  frame_left_ = kFrameHead + frame.length;
  if (frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_CONTINUATION) {
    head_open_ = true;
    head_ends_ = (frame.flags & NGHTTP2_FLAG_END_HEADERS) != 0;
  }
  return state_ == State::kOpen;
}

// Whether the frame is a message's, on a stream that the client has closed (RFC 9113 section 5.1): nghttp2
// forgets streams that are closed.
uint32_t Http2Session::FaultOf(const Frame& frame) const {
  const bool message = frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_DATA;
  if (!message || is_client() || nghttp2_session_find_stream(raw(), frame.id) != nullptr) {
    return NGHTTP2_NO_ERROR;
  }
  return ids_.ClosedByClient(frame.id) ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR;
}

Http2Flood Http2Session::FloodOf(const Frame& frame) {
  const uint64_t now = loop_.NowMs();
  const Http2Flood flood = guards_.OnFrame(frame.type, frame.flags, frame.length, now);
  const bool late = frame.type == NGHTTP2_HEADERS && ids_.IsLate(frame.id);
  // They are decoded and dropped, so that no limit of streams holds for them; but a client that has not seen
  // the GOAWAY keeps to it.
  if (!late || flood != Http2Flood::kNone || ++late_heads_ <= settings_.options.max_concurrent_streams) {
    return flood;
  }
  return guards_.OnReset(now);
}

void Http2Session::OnReceiveError(int error) {
  if (flood_ != Http2Flood::kNone) return CloseFor(flood_);
  switch (error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
      return CloseFor(Http2Flood::kOutboundControl);
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return CloseFor(Http2Flood::kContinuation);
    case NGHTTP2_ERR_NOMEM:
      return Close(NGHTTP2_INTERNAL_ERROR, "http2.out_of_memory");
    default:
      stats_.rx_messaging_error.Add();
      return Close(NGHTTP2_PROTOCOL_ERROR, "http2.protocol_error");
  }
}

bool Http2Session::Guard(Http2Flood flood) {
  if (flood == Http2Flood::kNone) return true;
  flood_ = flood;
  return false;
}

bool Http2Session::OnHeadBegin(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS) return true;
  using Kind = Http2FieldReader::Kind;
  Http2Stream* stream = Find(frame.hd.stream_id);
  Kind kind = Kind::kTrailers;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    guards_.OnStreamOpened();
    kind = Kind::kRequest;
    ids_.OnOpened(frame.hd.stream_id);
    stream = events_.OnNewStream(frame.hd.stream_id);
    if (stream != nullptr) {
      stream->id = frame.hd.stream_id;
      stream->attached = true;
      nghttp2_session_set_stream_user_data(raw(), stream->id, stream);
      stats_.streams_active.Add(1);
    }
  } else if (stream != nullptr && !stream->head_done) {
    kind = Kind::kResponse;
  }
  reader_ = Http2FieldReader(kind, {.bytes = size_t{settings_.max_header_kb} * 1024,
                                    .fields = settings_.max_headers,
                                    .allow_connect = settings_.options.allow_connect});
  return true;
}

void Http2Session::OnHeadEnd(Http2Stream& stream, bool end_stream) {
  const Http2FieldError* error = reader_.Finish();
  if (error != nullptr && error->status == 431) stats_.header_overflow.Add();
  if (!stream.head_done) return events_.OnHead(stream, reader_, error, end_stream);
  stats_.trailers.Add();
  if (error != nullptr) return Malformed(stream, {0, error->detail, error->cause});
  if (!end_stream) return Malformed(stream, {0, kHttp2Messaging, "trailers that do not end the stream"});
  if (!reader_.headers.empty()) stream.trailers = std::make_unique<HeaderMap>(std::move(reader_.headers));
  EndInbound(stream);
}

bool Http2Session::OnFrame(const nghttp2_frame& frame) {
  Http2Stream* stream = frame.hd.stream_id == 0 ? nullptr : Find(frame.hd.stream_id);
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (stream != nullptr) OnHeadEnd(*stream, end_stream);
      reader_.headers.Clear();
      break;
    case NGHTTP2_DATA:
      if (stream != nullptr && end_stream) EndInbound(*stream);
      if ((frame.hd.flags & NGHTTP2_FLAG_PADDED) == 0) break;
      return Guard(flood_) && Guard(guards_.OnPaddedData(frame.hd.length - frame.data.padlen, end_stream));
    case NGHTTP2_RST_STREAM:
      return OnReset(frame);
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) events_.OnSettings();
      break;
    case NGHTTP2_GOAWAY:
      events_.OnGoAway();
      break;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        keepalive_.OnPong(frame.ping.opaque_data);
        events_.OnPong(frame.ping.opaque_data);
      }
      break;
    default:
      break;
  }
  return Guard(flood_);
}

bool Http2Session::OnReset(const nghttp2_frame& frame) {
  stats_.rx_reset.Add();
  if (frame.rst_stream.error_code == NGHTTP2_REFUSED_STREAM) stats_.stream_refused_errors.Add();
  if (Http2Stream* stream = Find(frame.hd.stream_id); stream != nullptr) stream->reset_by_peer = true;
  return CountReset();
}

// An upstream may reset what it likes: it only hurts itself.
bool Http2Session::CountReset() {
  return is_client() || Guard(guards_.OnReset(loop_.NowMs()));
}

bool Http2Session::OnDataChunk(int32_t id, std::string_view bytes) {
  Http2Stream* stream = Find(id);
  // Those who wait for an upstream's other answers must not wait for whoever does not read his: what an
  // upstream may send is bounded by the windows of its streams alone.
  const bool give_back = is_client() || stream == nullptr;
  if (give_back) nghttp2_session_consume_connection(raw(), bytes.size());
  if (stream == nullptr) return true;
  data_received_ += bytes.size();
  stream->received_bytes += bytes.size();
  const bool too_long = stream->content_length && stream->received_bytes > *stream->content_length;
  if (!stream->head_done || stream->no_payload || too_long) {
    if (!give_back) nghttp2_session_consume_connection(raw(), bytes.size());
    Malformed(*stream, {0, kHttp2Messaging, "more DATA than the message has"});
    return Guard(flood_);
  }
  if (bytes.size() < kWorthSharing) {
    stream->received.Append(bytes);
  } else {
    // The bytes stand in the block that is being read.
    Buffer shared = input_.Share();
    shared.Consume(static_cast<size_t>(bytes.data() - input_.Front().data()));
    stream->received.Append(shared.Take(bytes.size()));
    stream->pinned += Block::kSize - bytes.size();
  }
  MarkReady(*stream, Http2Stream::kReadable);
  return true;
}

void Http2Session::EndInbound(Http2Stream& stream) {
  // An interim head may have come, behind which nghttp2 lets DATA pass.
  if (!stream.head_done) return Malformed(stream, {0, kHttp2Messaging, "an end before the head"});
  if (stream.content_length && !stream.no_payload && stream.received_bytes != *stream.content_length) {
    return Malformed(stream, {0, kHttp2Messaging, "less DATA than content-length says"});
  }
  stream.remote_ended = true;
  MarkReady(stream, Http2Stream::kReadable);
}

void Http2Session::Malformed(Http2Stream& stream, const Http2FieldError& error) {
  stats_.rx_messaging_error.Add();
  stream.failure = error;
  if (!settings_.options.stream_error_on_invalid_http_message) {
    failure_ = error.detail;
    Terminate(NGHTTP2_PROTOCOL_ERROR);
  }
  Reset(stream, NGHTTP2_PROTOCOL_ERROR);
  CountReset();
}

// nghttp2 has found a frame against the rules, and resets the stream or ends the connection itself.
bool Http2Session::OnInvalidFrame(const nghttp2_frame& frame) {
  stats_.rx_messaging_error.Add();
  Http2Stream* stream = frame.hd.stream_id == 0 ? nullptr : Find(frame.hd.stream_id);
  if (stream != nullptr) stream->failure = {0, "http2.protocol_error", "a frame against the rules"};
  return CountReset();
}

void Http2Session::OnStreamClosed(int32_t id, uint32_t code) {
  Http2Stream* stream = Find(id);
  if (stream == nullptr) return;
  stream->error_code = code;
  Detach(*stream);
  MarkReady(*stream, Http2Stream::kClosed);
}

BodyPiece Http2Session::TakeReceived(Http2Stream& stream) {
  BodyPiece piece;
  const size_t size = std::min(stream.received.size(), piece_size_);
  piece.data = size == stream.received.size() ? std::move(stream.received) : stream.received.Take(size);
  if (stream.received.empty()) stream.pinned = 0;
  piece.end = stream.remote_ended && stream.received.empty();
  if (piece.end) piece.trailers = std::move(stream.trailers);
  Consume(stream, size);
  return piece;
}

void Http2Session::Consume(Http2Stream& stream, size_t bytes) {
  if (bytes == 0) return;
  nghttp2_session_consume_stream(raw(), stream.id, bytes);
  if (!is_client()) nghttp2_session_consume_connection(raw(), bytes);
  if (nghttp2_session_get_outbound_queue_size(raw()) > 0) ScheduleTurn();
}

void Http2Session::Pack(Http2Stream& stream) {
  if (stream.pinned <= stream.received.size() / 4) return;
  Buffer packed;
  for (; !stream.received.empty(); stream.received.Consume(stream.received.Front().size())) {
    packed.Append(stream.received.Front());
  }
  stream.received = std::move(packed);
  stream.pinned = 0;
}

}  // namespace narthex
