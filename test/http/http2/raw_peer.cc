#include "test/http/http2/raw_peer.h"

#include <cstdlib>

namespace narthex {
namespace {

constexpr size_t kFrameHead = 9;

std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift));
  return text;
}

uint32_t ToNumber(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

// RFC 7541 section 5.1, with a prefix of seven bits.
void AppendString(std::string_view text, std::string& out) {
  size_t left = text.size();
  if (left < 127) {
    out.push_back(static_cast<char>(left));
  } else {
    out.push_back(127);
    for (left -= 127; left >= 128; left /= 128) out.push_back(static_cast<char>(left % 128 + 128));
    out.push_back(static_cast<char>(left));
  }
  out.append(text);
}

}  // namespace

std::string RawFrame(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload) {
  return (Number(payload.size(), 3) + Number(type, 1) + Number(flags, 1) + Number(id, 4)).append(payload);
}

std::string RawFieldBlock(const RawFields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block.push_back(0);
    AppendString(name, block);
    AppendString(value, block);
  }
  return block;
}

std::string RawHeaders(uint32_t id, const RawFields& fields, bool end_stream) {
  const uint8_t flags = NGHTTP2_FLAG_END_HEADERS | (end_stream ? NGHTTP2_FLAG_END_STREAM : 0);
  return RawFrame(NGHTTP2_HEADERS, flags, id, RawFieldBlock(fields));
}

std::string RawData(uint32_t id, std::string_view bytes, bool end_stream) {
  return RawFrame(NGHTTP2_DATA, end_stream ? NGHTTP2_FLAG_END_STREAM : 0, id, bytes);
}

std::string RawWindowUpdate(uint32_t id, uint32_t increment) {
  return RawFrame(NGHTTP2_WINDOW_UPDATE, 0, id, Number(increment, 4));
}

std::string RawReset(uint32_t id, uint32_t code) {
  return RawFrame(NGHTTP2_RST_STREAM, 0, id, Number(code, 4));
}

std::string RawSettings(const std::vector<std::pair<uint16_t, uint32_t>>& entries) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += Number(id, 2) + Number(value, 4);
  return RawFrame(NGHTTP2_SETTINGS, 0, 0, payload);
}

std::string RawPing(std::string_view eight_bytes, bool ack) {
  return RawFrame(NGHTTP2_PING, ack ? NGHTTP2_FLAG_ACK : 0, 0, eight_bytes);
}

RawFields RawGet(std::string_view path) {
  return {{":method", "GET"}, {":scheme", "http"}, {":authority", "x"}, {":path", std::string(path)}};
}

RawFields RawPost(std::string_view path) {
  return {{":method", "POST"}, {":scheme", "http"}, {":authority", "x"}, {":path", std::string(path)}};
}

std::string RawReader::Message::Get(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return "(none)";
}

int RawReader::Message::status() const {
  return fields.empty() ? 0 : std::atoi(Get(":status").c_str());
}

RawReader::RawReader() {
  nghttp2_hd_inflate_new(&inflater_);
}
RawReader::~RawReader() {
  nghttp2_hd_inflate_del(inflater_);
}

void RawReader::Read(std::string_view bytes) {
  if (at_ == 0 && bytes.starts_with(kHttp2Preface)) at_ = kHttp2Preface.size();
  while (bytes.size() - at_ >= kFrameHead) {
    const std::string_view head = bytes.substr(at_, kFrameHead);
    const size_t length = ToNumber(head.substr(0, 3));
    if (bytes.size() - at_ - kFrameHead < length) return;
    Take(static_cast<uint8_t>(head[3]), static_cast<uint8_t>(head[4]), ToNumber(head.substr(5, 4)),
         bytes.substr(at_ + kFrameHead, length));
    at_ += kFrameHead + length;
  }
}

void RawReader::Take(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload) {
  const bool ack = (flags & NGHTTP2_FLAG_ACK) != 0;
  switch (type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      if (type == NGHTTP2_HEADERS) block_ends_stream_ = (flags & NGHTTP2_FLAG_END_STREAM) != 0;
      block_ += payload;
      if ((flags & NGHTTP2_FLAG_END_HEADERS) != 0)
        TakeFields(id, std::exchange(block_, {}), block_ends_stream_);
      break;
    case NGHTTP2_DATA:
      streams[id].body += payload;
      ++streams[id].data_frames;
      streams[id].ended |= (flags & NGHTTP2_FLAG_END_STREAM) != 0;
      break;
    case NGHTTP2_RST_STREAM:
      ++resets;
      streams[id].reset = true;
      streams[id].reset_code = ToNumber(payload);
      break;
    case NGHTTP2_SETTINGS:
      if (ack) ++settings_acks;
      TakeSettings(payload);
      break;
    case NGHTTP2_PING:
      (ack ? ping_acks : pings).emplace_back(payload);
      break;
    case NGHTTP2_GOAWAY:
      goaways.emplace_back(ToNumber(payload.substr(0, 4)), ToNumber(payload.substr(4, 4)));
      break;
    case NGHTTP2_WINDOW_UPDATE:
      window_updates[id] += ToNumber(payload);
      break;
    default:
      break;
  }
}

void RawReader::TakeSettings(std::string_view payload) {
  for (; payload.size() >= 6; payload.remove_prefix(6)) {
    settings[static_cast<uint16_t>(ToNumber(payload.substr(0, 2)))] = ToNumber(payload.substr(2, 4));
  }
}

void RawReader::TakeFields(uint32_t id, std::string_view block, bool end_stream) {
  RawFields fields;
  const auto* at = reinterpret_cast<const uint8_t*>(block.data());
  size_t left = block.size();
  while (true) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t taken = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
    if (taken < 0) std::abort();
    at += taken;
    left -= static_cast<size_t>(taken);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                          std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  Message& message = streams[id];
  message.ended |= end_stream;
  if (!message.fields.empty()) {
    message.trailers = std::move(fields);
  } else if (!fields.empty() && fields[0].first == ":status" && fields[0].second[0] == '1') {
    message.interim.push_back(std::move(fields));
  } else {
    message.fields = std::move(fields);
  }
}

}  // namespace narthex
