#include "test/bench/grpc_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "test/bench/grpc_message.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

constexpr size_t kMaxMessage = kGrpcPrefix + 1024;
constexpr uint32_t kMaxStreams = 1024;
constexpr int32_t kConnectionWindow = 1 << 24;

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
constexpr std::string_view kOk = "0";
constexpr std::string_view kInvalidArgument = "3";
constexpr std::string_view kResourceExhausted = "8";

}  // namespace

// nghttp2's side of the connection.
struct GrpcConnection::Callbacks {
  static GrpcConnection& Self(void* user) { return *static_cast<GrpcConnection*>(user); }

  static Call* Find(nghttp2_session* session, int32_t stream) {
    return static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, Self(user).NewCall());
    return 0;
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void*) {
    Call* call = Find(session, frame->hd.stream_id);
    if (call == nullptr) return 0;
    std::string_view field = Text(name, name_size);
    std::string_view text = Text(value, value_size);
    if (field == ":method") call->is_post = text == "POST";
    if (field == "content-type") call->is_grpc = text == "application/grpc";
    if (field == "te") call->takes_trailers = text == "trailers";
    return 0;
  }

  static int OnDataChunk(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* data, size_t size,
                         void*) {
    Call* call = Find(session, stream);
    if (call == nullptr) return 0;
    call->too_long |= call->message.size() + size > kMaxMessage;
    if (!call->too_long) call->message.append(Text(data, size));
    return 0;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    Call* call = Find(session, frame->hd.stream_id);
    if (call != nullptr) Self(user).Answer(frame->hd.stream_id, *call);
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, int32_t stream, uint32_t, void* user) {
    if (Call* call = Find(session, stream)) Self(user).unused_.push_back(call);
    return 0;
  }

  static ssize_t ReadMessage(nghttp2_session* session, int32_t stream, uint8_t* buffer, size_t space,
                             uint32_t* flags, nghttp2_data_source*, void* user) {
    return Self(user).SendMessage(stream, *Find(session, stream), buffer, space, flags);
  }

  static const nghttp2_session_callbacks* All() {
    static const nghttp2_session_callbacks* const all = [] {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) != 0) Die("nghttp2_session_callbacks_new");
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, OnBeginHeaders);
      nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnDataChunk);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, OnStreamClose);
      return made;
    }();
    return all;
  }
};

GrpcConnection::GrpcConnection(int fd) : fd_(fd) {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new(&session, Callbacks::All(), this) != 0) Die("nghttp2_session_server_new");
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

GrpcConnection::~GrpcConnection() {
  close(fd_);
}

GrpcConnection::Call* GrpcConnection::NewCall() {
  if (unused_.empty()) return &calls_.emplace_back();
  Call* call = unused_.back();
  unused_.pop_back();
  std::string message = std::move(call->message);  // for its memory
  message.clear();
  *call = Call{.message = std::move(message)};
  return call;
}

void GrpcConnection::Answer(int32_t stream, Call& call) {
  static const nghttp2_nv kStatus = Field(":status", "200");
  static const nghttp2_nv kType = Field("content-type", "application/grpc");
  bool good = call.is_post && call.is_grpc && call.takes_trailers && IsOneGrpcMessage(call.message);
  if (good && !call.too_long) {
    const nghttp2_nv head[] = {kStatus, kType};
    nghttp2_data_provider body{.source = {}, .read_callback = Callbacks::ReadMessage};
    nghttp2_submit_response(session_.get(), stream, head, std::size(head), &body);
    return;
  }
  const nghttp2_nv head[] = {kStatus, kType,
                             Field("grpc-status", call.too_long ? kResourceExhausted : kInvalidArgument)};
  nghttp2_submit_response(session_.get(), stream, head, std::size(head), nullptr);
}

// The message, and after its end the trailers.
ssize_t GrpcConnection::SendMessage(int32_t stream, Call& call, uint8_t* buffer, size_t space,
                                    uint32_t* flags) {
  size_t size = std::min(space, call.message.size() - call.sent);
  std::memcpy(buffer, call.message.data() + call.sent, size);
  call.sent += size;
  if (call.sent == call.message.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const nghttp2_nv trailer = Field("grpc-status", kOk);
    nghttp2_submit_trailer(session_.get(), stream, &trailer, 1);
  }
  return static_cast<ssize_t>(size);
}

bool GrpcConnection::Serve() {
  bool good = Receive() && Flush();
  // After an error of the peer's nghttp2 says GOAWAY and wants nothing more.
  ended_ = !good || (nghttp2_session_want_read(session_.get()) == 0 && unsent_.empty());
  return !ended_;
}

// Reads until the socket is empty; false at the connection's end.
bool GrpcConnection::Receive() {
  static char buffer[64 * 1024];
  for (;;) {
    ssize_t size = recv(fd_, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN) return true;
    if (size <= 0) return false;
    auto* bytes = reinterpret_cast<const uint8_t*>(buffer);
    if (nghttp2_session_mem_recv(session_.get(), bytes, static_cast<size_t>(size)) != size) return false;
  }
}

// Writes all there is; the rest of what the socket does not take waits for its next event.
bool GrpcConnection::Flush() {
  for (;;) {
    const uint8_t* bytes = nullptr;
    ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) return false;
    if (size == 0) break;
    unsent_.append(Text(bytes, static_cast<size_t>(size)));
  }
  if (unsent_.empty()) return true;
  ssize_t sent = send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  unsent_.erase(0, static_cast<size_t>(sent));
  return true;
}

}  // namespace narthex
