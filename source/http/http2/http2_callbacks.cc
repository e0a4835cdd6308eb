#include "source/http/http2/http2_callbacks.h"

#include <string_view>

#include "source/http/http2/http2_session.h"

namespace narthex {
namespace {

int Verdict(bool good) {
  return good ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

std::string_view Text(nghttp2_rcbuf* bytes) {
  const nghttp2_vec piece = nghttp2_rcbuf_get_buf(bytes);
  return {reinterpret_cast<const char*>(piece.base), piece.len};
}

}  // namespace

struct Http2Callbacks {
  static Http2Session& Of(void* user_data) { return *static_cast<Http2Session*>(user_data); }

  static int OnHeadBegin(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return Verdict(Of(self).OnHeadBegin(*frame));
  }
  static int OnField(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                     uint8_t, void* self) {
    Http2FieldReader& reader = Of(self).reader_;
    reader.Add(Text(name), Text(value));
    return Verdict(!reader.hopeless());
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return Verdict(Of(self).OnFrame(*frame));
  }
  static int OnInvalidFrame(nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
    return Verdict(Of(self).OnInvalidFrame(*frame));
  }
  static int OnDataChunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                         void* self) {
    return Verdict(Of(self).OnDataChunk(id, {reinterpret_cast<const char*>(data), size}));
  }
  static int OnStreamClosed(nghttp2_session*, int32_t id, uint32_t code, void* self) {
    Of(self).OnStreamClosed(id, code);
    return 0;
  }
  static int OnFrameSent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    Of(self).OnFrameSent(*frame);
    return 0;
  }
  static int SendData(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t length,
                      nghttp2_data_source*, void* self) {
    return Of(self).SendData(frame->hd.stream_id, head, length);
  }
};

const nghttp2_session_callbacks* Http2SessionCallbacks() {
  static const nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &Http2Callbacks::OnHeadBegin);
    nghttp2_session_callbacks_set_on_header_callback2(made, &Http2Callbacks::OnField);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &Http2Callbacks::OnFrame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, &Http2Callbacks::OnInvalidFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &Http2Callbacks::OnDataChunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &Http2Callbacks::OnStreamClosed);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, &Http2Callbacks::OnFrameSent);
    nghttp2_session_callbacks_set_send_data_callback(made, &Http2Callbacks::SendData);
    return made;
  }();
  return callbacks;
}

}  // namespace narthex
