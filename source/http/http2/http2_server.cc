#include "source/http/http2/http2_server.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/http/http2/http2_server_connection.h"
#include "source/http/http2/http2_server_stream.h"

namespace narthex {
namespace {

constexpr uint8_t kDrainPing[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

Http2Session::Settings SettingsOf(const ServerCodecOptions& options) {
  return {.role = Http2Session::Role::kServer,
          .options = options.http2,
          .max_header_kb = options.max_header_kb,
          .max_headers = options.max_headers,
          .buffer_limit = options.buffer_limit,
          .head_timeout = options.request_headers_timeout.count() > 0 ? options.request_headers_timeout
                                                                      : options.stream_idle_timeout,
          .delayed_close_timeout = options.delayed_close_timeout};
}

}  // namespace

Http2ServerConnection::Http2ServerConnection(std::unique_ptr<Stream> stream, ServerConnectionContext context)
    : context_(context),
      session_(context.loop, std::move(stream), *this, Http2Stats::Downstream(), SettingsOf(context.options)),
      idle_timer_(context.loop.wheel(), &Http2ServerConnection::OnIdleTimer, this),
      lifetime_timer_(context.loop.wheel(), &Http2ServerConnection::OnLifetimeTimer, this) {
  const ServerCodecOptions& options = context.options;
  if (options.max_connection_duration.count() > 0) lifetime_timer_.Arm(options.max_connection_duration);
  if (options.min_client_rate == 0) return;
  ClientPace::Watch watch{.bytes_per_second = options.min_client_rate,
                          .moved = &Http2ServerConnection::Moved,
                          .too_slow = &Http2ServerConnection::OnSendsTooSlow,
                          .context = this};
  sends_ = std::make_unique<ClientPace>(context.loop.wheel(), watch);
  watch.too_slow = &Http2ServerConnection::OnReceivesTooSlow;
  receives_ = std::make_unique<ClientPace>(context.loop.wheel(), watch);
}

Http2ServerConnection::~Http2ServerConnection() {
  OnClosing({});
}

Http2Stream* Http2ServerConnection::OnNewStream(int32_t) {
  // The GOAWAY that is on its way says that it was not served: the client may ask for it again elsewhere.
  if (draining_ == Draining::kFinal) return nullptr;
  auto* stream = new Http2ServerStream(*this);
  stream->next = first_;
  if (first_ != nullptr) first_->previous = stream;
  first_ = stream;
  const uint64_t most = context_.options.max_requests_per_connection;
  if (++requests_ == most) {
    ended_by_ = CloseCause::kMaxRequests;
    // nghttp2 counts this one among those it has taken.
    FinishDrain();
  }
  return stream;
}

void Http2ServerConnection::OnHead(Http2Stream& stream, Http2FieldReader& head, const Http2FieldError* error,
                                   bool end_stream) {
  static_cast<Http2ServerStream&>(stream).TakeHead(head, error);
  if (error != nullptr && error->status == 0) return session_.Malformed(stream, *error);
  session_.MarkReady(stream, Http2Stream::kHead);
  if (end_stream) session_.EndInbound(stream);
}

void Http2ServerConnection::OnReady(Http2Stream& stream, uint8_t what) {
  auto* serving = static_cast<Http2ServerStream*>(&stream);
  if (serving->Advance(what)) return;
  (serving->previous == nullptr ? first_ : serving->previous->next) = serving->next;
  if (serving->next != nullptr) serving->next->previous = serving->previous;
  delete serving;
}

void Http2ServerConnection::OnTurn() {
  WatchReceiver();
  if (first_ != nullptr) {
    // The patience of a drain goes on.
    if (std::exchange(idle_, false) && draining_ != Draining::kNoticed) idle_timer_.Cancel();
    return;
  }
  if (draining_ == Draining::kFinal) return session_.Close(NGHTTP2_NO_ERROR, {});
  if (!idle_) BeginIdle();
}

void Http2ServerConnection::BeginIdle() {
  idle_ = true;
  idle_since_ = context_.loop.NowMs();
  // The patience of a drain does not begin anew.
  if (draining_ == Draining::kNoticed) return;
  const auto timeout = context_.options.idle_timeout;
  if (timeout.count() > 0) idle_timer_.Arm(timeout);
}

// Clients that have not heard of it yet may be opening streams: they get the time of a round trip, or the
// drain timeout (RFC 9113 section 6.8).
void Http2ServerConnection::Drain() {
  if (ended_by_ == CloseCause::kLocal) ended_by_ = CloseCause::kDrain;
  if (draining_ != Draining::kNo || !session_.open()) return;
  const auto patience = context_.options.drain_timeout;
  if (patience.count() == 0) return FinishDrain();
  draining_ = Draining::kNoticed;
  session_.ShutdownNotice();
  session_.Ping(kDrainPing);
  idle_timer_.Arm(patience);
}

void Http2ServerConnection::OnPong(const uint8_t* opaque) {
  if (draining_ != Draining::kNoticed || std::memcmp(opaque, kDrainPing, sizeof kDrainPing) != 0) return;
  FinishDrain();
}

void Http2ServerConnection::SayGoodbye() {
  for (Http2ServerStream* stream = first_; stream != nullptr; stream = stream->next) stream->SayGoodbye();
  session_.SendNow();
}

// The connection ends with the last of the streams that it has.
void Http2ServerConnection::FinishDrain() {
  if (draining_ == Draining::kFinal) return;
  draining_ = Draining::kFinal;
  idle_timer_.Cancel();
  session_.FinalGoAway();
}

void Http2ServerConnection::OnIdleTimer(void* self) {
  auto* connection = static_cast<Http2ServerConnection*>(self);
  if (connection->draining_ == Draining::kNoticed) return connection->FinishDrain();
  if (connection->first_ != nullptr) return;
  connection->ended_by_ = CloseCause::kIdleTimeout;
  connection->session_.Close(NGHTTP2_NO_ERROR, {});
}

void Http2ServerConnection::OnLifetimeTimer(void* self) {
  auto* connection = static_cast<Http2ServerConnection*>(self);
  connection->ended_by_ = CloseCause::kMaxDuration;
  connection->Drain();
}

void Http2ServerConnection::OnClosing(std::string_view failure) {
  idle_ = false;
  idle_timer_.Cancel();
  lifetime_timer_.Cancel();
  if (sends_ != nullptr) sends_->Stop();
  if (receives_ != nullptr) receives_->Stop();
  cut_off_ |= first_ != nullptr;
  while (first_ != nullptr) {
    // Taken out before it is destroyed, so that nothing finds it half gone.
    Http2ServerStream* gone = first_;
    first_ = gone->next;
    if (first_ != nullptr) first_->previous = nullptr;
    gone->CutOff(failure);
    delete gone;
  }
}

void Http2ServerConnection::OnEnd(bool remote) {
  if (remote) ended_by_ = CloseCause::kRemote;
  context_.on_end(context_.context);
}

// A client's pace is that of its connection: what it sends and receives on one stream leaves less for the
// others. So one that is not read beside others that are read is left to its idle timeout.
void Http2ServerConnection::WaitForBody() {
  if (bodies_awaited_++ == 0 && sends_ != nullptr) sends_->Wait(ClientPace::Side::kSends);
}

void Http2ServerConnection::GoOnWithBody() {
  if (--bodies_awaited_ == 0 && sends_ != nullptr) sends_->Go();
}

void Http2ServerConnection::WatchReceiver() {
  if (receives_ == nullptr) return;
  bool waits = session_.write_blocked();
  for (Http2ServerStream* stream = first_; stream != nullptr && !waits; stream = stream->next) {
    waits = !stream->to_send.empty();
  }
  receives_->Go();
  if (waits) receives_->Wait(ClientPace::Side::kReceives);
}

int64_t Http2ServerConnection::Moved(void* self, ClientPace::Side side) {
  auto* connection = static_cast<Http2ServerConnection*>(self);
  Http2Session& session = connection->session_;
  if (side == ClientPace::Side::kSends) return static_cast<int64_t>(session.data_received());
  connection->written_before_ = std::exchange(connection->written_now_, session.written());
  return static_cast<int64_t>(session.data_sent()) - static_cast<int64_t>(session.buffered_output()) -
         static_cast<int64_t>(session.stream().Unreceived());
}

// The requests that it owes more of are answered; what else it does on the connection goes on.
void Http2ServerConnection::OnSendsTooSlow(void* self) {
  auto* connection = static_cast<Http2ServerConnection*>(self);
  for (Http2ServerStream* stream = connection->first_; stream != nullptr; stream = stream->next) {
    stream->OnTooSlow();
  }
  // Those that have only begun get their time.
  if (connection->bodies_awaited_ > 0) connection->sends_->Wait(ClientPace::Side::kSends);
}

// Streams that are not read are given up alone, as long as the client takes what is sent on others.
void Http2ServerConnection::OnReceivesTooSlow(void* self) {
  auto* connection = static_cast<Http2ServerConnection*>(self);
  if (connection->ReceivesNothing()) {
    return connection->session_.Close(NGHTTP2_ENHANCE_YOUR_CALM, kClientTooSlow);
  }
  for (Http2ServerStream* stream = connection->first_; stream != nullptr; stream = stream->next) {
    stream->OnNotRead();
  }
  // Those that have only begun to wait get their time.
  connection->WatchReceiver();
}

// Whether what the client does not take is the connection's: it reads nothing of the socket, or has shut the
// window of all streams.
bool Http2ServerConnection::ReceivesNothing() {
  if (session_.write_blocked() || nghttp2_session_get_remote_window_size(session_.raw()) <= 0) return true;
  // What was written since the pace was looked at last may well be on its way. TLS makes more of a short
  // frame, but not four times as much.
  constexpr uint64_t kWithTls = 4;
  return session_.stream().Unreceived() > kWithTls * (written_now_ - written_before_);
}

std::unique_ptr<ServerConnection> MakeHttp2ServerConnection(std::unique_ptr<Stream> stream,
                                                            ServerConnectionContext context,
                                                            Buffer received) {
  auto connection = std::make_unique<Http2ServerConnection>(std::move(stream), context);
  connection->Start(std::move(received));
  return connection;
}

}  // namespace narthex
