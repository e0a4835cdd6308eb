#include "test/bench/http2_client.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "test/bench/grpc_message.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

// Updates of windows are not what is measured: those of the connection are rare with this one.
constexpr int32_t kConnectionWindow = 1 << 24;
constexpr int32_t kStreamWindow = 1 << 20;

std::vector<nghttp2_nv> MakeFields(const std::string& path, bool grpc, bool tls) {
  std::vector<nghttp2_nv> fields = {
      Field(":method", grpc ? "POST" : "GET"),
      Field(":scheme", tls ? "https" : "http"),
      Field(":authority", "bench.test"),
      Field(":path", path),
  };
  if (grpc) {
    fields.push_back(Field("te", "trailers"));
    fields.push_back(Field("content-type", "application/grpc"));
  } else {
    fields.push_back(Field("accept", "*/*"));
  }
  fields.push_back(Field("user-agent", "narthex-bench"));
  return fields;
}

}  // namespace

// nghttp2's side of the client.
struct Http2Client::Callbacks {
  static Http2Client& Self(void* user) { return *static_cast<Http2Client*>(user); }

  static Call* Find(nghttp2_session* session, int32_t stream) {
    return static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void* user) {
    if (Call* call = Find(session, frame->hd.stream_id)) {
      Self(user).OnField(*call, Text(name, name_size), Text(value, value_size));
    }
    return 0;
  }

  static int OnDataChunk(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* data, size_t size,
                         void* user) {
    if (Call* call = Find(session, stream)) Self(user).OnData(*call, Text(data, size));
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, int32_t stream, uint32_t error, void* user) {
    if (Call* call = Find(session, stream)) Self(user).OnEnd(*call, error);
    return 0;
  }

  static ssize_t ReadMessage(nghttp2_session* session, int32_t stream, uint8_t* buffer, size_t space,
                             uint32_t* flags, nghttp2_data_source*, void* user) {
    Call* call = Find(session, stream);
    const std::string& message = Self(user).message_;
    size_t size = std::min(space, message.size() - call->sent);
    std::memcpy(buffer, message.data() + call->sent, size);
    call->sent += size;
    if (call->sent == message.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }
};

Http2Client::Http2Client(LoadContext& context)
    : Client(context), paths_(context.options.paths), calls_(static_cast<size_t>(context.options.streams)) {
  const LoadOptions& options = context.options;
  bool grpc = options.protocol == Protocol::kGrpc;
  if (paths_.empty()) paths_.emplace_back("/");
  for (const std::string& path : paths_) requests_.push_back(MakeFields(path, grpc, options.tls));
  if (grpc) message_ = MakeGrpcMessage(options.body_size);
  expected_body_ = grpc ? message_.size() : options.body_size;

  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) Die("nghttp2_session_callbacks_new");
  callbacks_.reset(callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnDataChunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::OnStreamClose);
}

Http2Client::~Http2Client() = default;

// A connection that does not take the requests is found dead when their answers are looked for.
void Http2Client::Begin() {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new(&session, callbacks_.get(), this) != 0) Die("nghttp2_session_client_new");
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  ended_.clear();
  for (Call& call : calls_) Submit(call);
  Flush();
}

bool Http2Client::Take() {
  std::span<char> buffer = context().buffer;
  for (;;) {
    ssize_t size = transport().Receive(buffer);
    if (size < 0) return false;
    if (size == 0) break;
    auto* bytes = reinterpret_cast<const uint8_t*>(buffer.data());
    if (nghttp2_session_mem_recv(session_.get(), bytes, static_cast<size_t>(size)) != size) return false;
  }
  for (Call* call : ended_) {
    if (!Submit(*call)) return false;
  }
  ended_.clear();
  if (!Flush()) return false;
  // After an error of the peer's nghttp2 says GOAWAY and wants nothing more.
  return nghttp2_session_want_read(session_.get()) != 0;
}

// False when the proxy takes no more requests on this connection.
bool Http2Client::Submit(Call& call) {
  call = {.sent_at = Tally::Clock::now()};
  const std::vector<nghttp2_nv>& fields = requests_[next_request_++ % requests_.size()];
  nghttp2_data_provider body{.source = {}, .read_callback = Callbacks::ReadMessage};
  return nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                message_.empty() ? nullptr : &body, &call) >= 0;
}

bool Http2Client::Flush() {
  output_.clear();
  for (;;) {
    const uint8_t* bytes = nullptr;
    ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) return false;
    if (size == 0) break;
    output_.append(Text(bytes, static_cast<size_t>(size)));
  }
  return output_.empty() || transport().Send(output_);
}

void Http2Client::OnField(Call& call, std::string_view name, std::string_view value) {
  if (name == ":status") std::from_chars(value.data(), value.data() + value.size(), call.status);
  if (name == "grpc-status") call.grpc_is_good = value == "0";
}

void Http2Client::OnData(Call& call, std::string_view bytes) {
  if (!message_.empty() && call.intact) {
    call.intact =
        call.received <= message_.size() && message_.compare(call.received, bytes.size(), bytes) == 0;
  }
  call.received += bytes.size();
}

void Http2Client::OnEnd(Call& call, uint32_t error) {
  std::string fault = Fault(call, error);
  fault.empty() ? context().tally.Answered(call.sent_at) : context().tally.Failed(fault);
  ended_.push_back(&call);
}

// What is wrong with an answer; empty: nothing.
std::string Http2Client::Fault(const Call& call, uint32_t error) const {
  if (error != NGHTTP2_NO_ERROR) return std::string("stream ended with ") + nghttp2_http2_strerror(error);
  if (call.status != 200) return "status " + std::to_string(call.status);
  if (call.received != expected_body_) return "a body of " + std::to_string(call.received) + " bytes";
  if (!call.intact) return "another message than was sent";
  if (!message_.empty() && !call.grpc_is_good) return "another grpc-status than 0";
  return {};
}

}  // namespace narthex
