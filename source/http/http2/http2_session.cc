#include "source/http/http2/http2_session.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "source/http/body_read_size.h"
#include "source/http/http2/http2_callbacks.h"

namespace narthex {
namespace {

// What is read and dropped of a peer that goes on sending behind GOAWAY.
constexpr size_t kMaxDiscard = 1024 * 1024;

// nghttp2's own checks of messages are off: ours are stricter, and do not read everything twice.
nghttp2_option* MakeOptions(const Http2Options& options, size_t max_continuations) {
  nghttp2_option* made = nullptr;
  nghttp2_option_new(&made);
  nghttp2_option_set_no_http_messaging(made, 1);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_peer_max_concurrent_streams(made, options.max_concurrent_streams);
  nghttp2_option_set_max_deflate_dynamic_table_size(made, options.hpack_table_size);
  nghttp2_option_set_max_outbound_ack(made, options.max_outbound_control_frames);
  nghttp2_option_set_max_continuations(made, max_continuations);
  // The guards count these, with a name.
  nghttp2_option_set_stream_reset_rate_limit(made, UINT64_MAX / 2, UINT64_MAX / 2);
  return made;
}

}  // namespace

Http2Session::Http2Session(EventLoop& loop, std::unique_ptr<Stream> stream, Http2Events& events,
                           const Http2Stats& stats, Settings settings)
    : loop_(loop),
      stream_(std::move(stream)),
      events_(events),
      stats_(stats),
      settings_(settings),
      piece_size_(BodyReadSize(settings.buffer_limit)),
      guards_(settings.options, settings.max_header_kb),
      turn_end_([](void* self) { static_cast<Http2Session*>(self)->Turn(); }, this),
      head_timer_(loop.wheel(), &Http2Session::OnHeadTimer, this),
      close_timer_(loop.wheel(), &Http2Session::OnCloseTimer, this),
      keepalive_(
          loop, settings.options.keepalive,
          {[](void* self, const uint8_t (&opaque)[8]) { static_cast<Http2Session*>(self)->Ping(opaque); },
           [](void* self) {
             auto* session = static_cast<Http2Session*>(self);
             session->stats_.keepalive_timeout.Add();
             session->Close(NGHTTP2_NO_ERROR, "http2.keepalive_timeout");
           },
           this}) {
  MakeSession();
}

Http2Session::~Http2Session() = default;

void Http2Session::MakeSession() {
  nghttp2_option* options = MakeOptions(settings_.options, guards_.max_continuations());
  nghttp2_session* made = nullptr;
  if (settings_.role == Role::kServer) {
    nghttp2_session_server_new2(&made, Http2SessionCallbacks(), this, options);
  } else {
    nghttp2_session_client_new2(&made, Http2SessionCallbacks(), this, options);
  }
  nghttp2_option_del(options);
  session_.reset(made);
}

void Http2Session::SubmitSettings() {
  const Http2Options& options = settings_.options;
  const bool server = settings_.role == Role::kServer;
  nghttp2_settings_entry entries[7];
  size_t count = 0;
  const auto add = [&](int32_t id, uint32_t value) { entries[count++] = {id, value}; };
  if (server) add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  if (!server) add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.initial_stream_window_size);
  add(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings_.max_header_kb * 1024);
  if (options.hpack_table_size != NGHTTP2_DEFAULT_HEADER_TABLE_SIZE) {
    add(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options.hpack_table_size);
  }
  // Priorities are ignored (RFC 9218 section 2.1).
  add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
  if (server && options.allow_connect) add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
  nghttp2_submit_settings(raw(), NGHTTP2_FLAG_NONE, entries, count);
  nghttp2_session_set_local_window_size(raw(), NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(options.initial_connection_window_size));
}

void Http2Session::Start(Buffer received) {
  if (settings_.role == Role::kServer) frame_left_ = NGHTTP2_CLIENT_MAGIC_LEN;
  SubmitSettings();
  keepalive_.Start();
  input_ = std::move(received);
  if (!input_.empty()) Receive();
  root_ = Run();
  root_.Start();
  // A client's first request goes with its preface.
  if (settings_.role == Role::kClient) return ScheduleTurn();
  if (state_ == State::kOpen) Turn();
}

Task<void> Http2Session::Run() {
  while (state_ != State::kEnded) {
    co_await stream_->Readable();
    if (state_ == State::kEnded) co_return;
    const IoResult result = stream_->Read(input_, read_size_);
    if (result.kind == IoResult::Kind::kWouldBlock) continue;
    if (!result.ok()) {
      End(true);
      co_return;
    }
    read_size_ = result.bytes >= read_size_ ? piece_size_ : Block::kSize;
    if (state_ == State::kOpen) {
      Receive();
      Turn();
      continue;
    }
    input_.Clear();
    discarded_ += result.bytes;
    if (discarded_ > kMaxDiscard) End(false);
  }
}

void Http2Session::Turn() {
  if (state_ == State::kEnded || in_turn_) return;
  in_turn_ = true;
  Dispatch();
  Flush();
  in_turn_ = false;
  if (state_ == State::kOpen) {
    WatchHead();
    if (nghttp2_session_want_read(raw()) == 0 && nghttp2_session_want_write(raw()) == 0) {
      // nghttp2 has sent GOAWAY for something that the peer did, or either side has and nothing is left.
      Close(NGHTTP2_NO_ERROR, failure_);
    } else {
      events_.OnTurn();
    }
  }
  if (state_ == State::kClosing && output_.empty()) StartLinger();
}

// True when anybody was told of anything.
bool Http2Session::Dispatch() {
  if (ready_.empty()) return false;
  // What is added meanwhile is told of in the same go; what is destroyed leaves a null.
  for (size_t i = 0; i < ready_.size(); ++i) {
    Http2Stream* stream = ready_[i];
    if (stream == nullptr) continue;
    ready_[i] = nullptr;
    events_.OnReady(*stream, std::exchange(stream->ready, 0));
  }
  ready_.clear();
  return true;
}

void Http2Session::MarkReady(Http2Stream& stream, Http2Stream::Ready what) {
  // No turn would take the note back; those who are left of a session that is over were told by OnClosing.
  if (state_ == State::kEnded) return;
  if (stream.ready == 0) ready_.push_back(&stream);
  stream.ready |= what;
  if (!receiving_) ScheduleTurn();
}

void Http2Session::Detach(Http2Stream& stream) {
  if (!std::exchange(stream.attached, false)) return;
  nghttp2_session_set_stream_user_data(raw(), stream.id, nullptr);
  if (std::exchange(stream.head_pending, false)) --heads_pending_;
  stats_.streams_active.Sub(1);
}

void Http2Session::Forget(Http2Stream& stream) {
  if (!std::exchange(stream.linked, false)) return;
  Detach(stream);
  if (!stream.received.empty() && open() && !is_client()) {
    nghttp2_session_consume_connection(raw(), stream.received.size());
    ScheduleTurn();
  }
  if (std::exchange(stream.ready, 0) != 0)
    std::replace(ready_.begin(), ready_.end(), &stream, static_cast<Http2Stream*>(nullptr));
}

Http2Stream::~Http2Stream() {
  if (linked) session.Forget(*this);
}

void Http2Session::CloseFor(Http2Flood flood) {
  stats_.of(flood).Add();
  Close(NGHTTP2_ENHANCE_YOUR_CALM, Http2FloodName(flood));
}

void Http2Session::Close(uint32_t code, std::string_view failure) {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  failure_ = failure;
  keepalive_.Stop();
  head_timer_.Cancel();
  events_.OnClosing(failure);
  Terminate(code);
  const auto patience = std::max(settings_.delayed_close_timeout, std::chrono::milliseconds(1));
  close_timer_.Arm(patience);
  if (!in_turn_) Turn();
}

// In good order: a reset would take back what the client has not read yet.
void Http2Session::StartLinger() {
  state_ = State::kLingering;
  if (settings_.delayed_close_timeout.count() == 0) return End(false);
  stream_->ShutdownWrite();
  close_timer_.Arm(settings_.delayed_close_timeout);
}

void Http2Session::OnCloseTimer(void* self) {
  auto* session = static_cast<Http2Session*>(self);
  // The kernel would keep what a peer does not read for minutes, for whoever misbehaves and stays.
  const bool stays = !session->failure_.empty() && session->stream_->Unreceived() > 0;
  if (session->state_ == State::kClosing || stays) session->stream_->AbortOnClose();
  session->End(false);
}

void Http2Session::End(bool remote) {
  if (state_ == State::kEnded) return;
  const bool told = state_ != State::kOpen;
  state_ = State::kEnded;
  keepalive_.Stop();
  head_timer_.Cancel();
  close_timer_.Cancel();
  turn_end_.Cancel();
  if (!told) events_.OnClosing({});
  events_.OnEnd(remote && !told);
}

void Http2Session::Abandon() {
  root_.Cancel();
  writer_.Cancel();
  if (state_ == State::kOpen) {
    Terminate(NGHTTP2_NO_ERROR);
    Pull();
    output_.WriteTo(*stream_);
  }
  End(false);
  stream_.reset();
}

// The time of a head runs from the first of its frames that is not whole.
void Http2Session::WatchHead() {
  if (!head_open_) {
    head_timer_.Cancel();
  } else if (!head_timer_.armed() && settings_.head_timeout.count() > 0) {
    head_timer_.Arm(settings_.head_timeout);
  }
}

void Http2Session::OnHeadTimer(void* self) {
  static_cast<Http2Session*>(self)->Close(NGHTTP2_ENHANCE_YOUR_CALM, "request_header_timeout");
}

}  // namespace narthex
