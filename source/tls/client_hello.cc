#include "source/tls/client_hello.h"

#include <cstdint>
#include <optional>

#include "source/base/ascii.h"

namespace narthex {
namespace {

constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHelloMessage = 1;
constexpr size_t kRecordHead = 5;
constexpr size_t kMaxRecord = 16 * 1024;
constexpr uint16_t kServerNameExtension = 0;
constexpr uint16_t kAlpnExtension = 16;

uint8_t ByteAt(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

// Takes fields off the front of bytes; once one is missing, everything after it is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return bytes_.empty(); }
  size_t Number(size_t width) {
    size_t number = 0;
    for (const char c : Take(width)) number = number << 8 | static_cast<uint8_t>(c);
    return number;
  }
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  // A vector (RFC 8446 section 3.4): its length in `width` bytes, and then itself.
  std::string_view Vector(size_t width) { return Take(Number(width)); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

bool ReadAlpn(std::string_view extension, ClientHello& hello) {
  Reader reader(extension);
  Reader protocols(reader.Vector(2));
  if (!reader.ok() || !reader.empty() || protocols.empty()) return false;
  while (!protocols.empty()) {
    const std::string_view protocol = protocols.Vector(1);
    if (!protocols.ok() || protocol.empty()) return false;
    hello.alpn.emplace_back(protocol);
  }
  return true;
}

bool ReadExtensions(std::string_view bytes, ClientHello& hello) {
  Reader extensions(bytes);
  bool has_name = false, has_alpn = false;
  while (!extensions.empty()) {
    const size_t type = extensions.Number(2);
    const std::string_view body = extensions.Vector(2);
    if (!extensions.ok()) return false;
    if (type == kServerNameExtension) {
      if (has_name || !ParseServerName(body, hello.server_name)) return false;
      has_name = true;
    } else if (type == kAlpnExtension) {
      if (has_alpn || !ReadAlpn(body, hello)) return false;
      has_alpn = true;
    }
  }
  return true;
}

// The body of a ClientHello (RFC 8446 section 4.1.2).
bool ReadHello(std::string_view body, ClientHello& hello) {
  Reader reader(body);
  if (reader.Number(2) >> 8 != 3) return false;
  reader.Take(32);  // random
  const std::string_view session_id = reader.Vector(1);
  const std::string_view ciphers = reader.Vector(2);
  const std::string_view compressions = reader.Vector(1);
  if (!reader.ok() || session_id.size() > 32 || compressions.empty()) return false;
  if (ciphers.empty() || ciphers.size() % 2 != 0) return false;
  if (reader.empty()) return true;  // extensions are optional before TLS 1.3
  const std::string_view extensions = reader.Vector(2);
  return reader.ok() && reader.empty() && ReadExtensions(extensions, hello);
}

// What the record layer holds of the handshake's first message.
struct Message {
  ClientHello::State state = ClientHello::State::kNeedMore;
  std::string bytes;  // with its head of 4 bytes
};

// Whether the whole message is there; nothing when it can't be a ClientHello.
std::optional<bool> IsComplete(std::string_view message) {
  if (message.empty()) return false;
  if (ByteAt(message, 0) != kClientHelloMessage) return std::nullopt;
  if (message.size() < 4) return false;
  Reader head(message.substr(1, 3));
  const size_t length = head.Number(3);
  if (length > ClientHello::kMaxBytes) return std::nullopt;
  return message.size() >= 4 + length;
}

Message JoinRecords(std::string_view bytes) {
  using State = ClientHello::State;
  Message message;
  while (!bytes.empty()) {
    const bool first = message.bytes.empty();
    const State wrong = first ? State::kNotTls : State::kMalformed;
    if (ByteAt(bytes, 0) != kHandshakeRecord) return {wrong, {}};
    if (bytes.size() > 1 && ByteAt(bytes, 1) != 3) return {wrong, {}};
    if (bytes.size() < kRecordHead) return message;
    Reader head(bytes.substr(3, 2));
    const size_t length = head.Number(2);
    if (length == 0 || length > kMaxRecord) return {State::kMalformed, {}};
    bytes.remove_prefix(kRecordHead);
    const std::string_view fragment = bytes.substr(0, length);
    message.bytes += fragment;
    const std::optional<bool> complete = IsComplete(message.bytes);
    if (!complete) return {State::kMalformed, {}};
    if (*complete) {
      message.state = State::kDone;
      return message;
    }
    if (fragment.size() < length) return message;
    bytes.remove_prefix(length);
  }
  return message;
}

}  // namespace

bool ParseServerName(std::string_view extension, std::string& name) {
  Reader reader(extension);
  Reader names(reader.Vector(2));
  if (!reader.ok() || !reader.empty() || names.empty()) return false;
  name.clear();
  while (!names.empty()) {
    const bool is_host_name = names.Number(1) == 0;
    const std::string_view found = names.Vector(2);
    if (!names.ok()) return false;
    if (!is_host_name) continue;
    if (!name.empty() || !IsHostName(found)) return false;
    name = ToLowerAscii(found);
  }
  return true;
}

bool IsHostName(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!allowed || ++label > 63) return false;
  }
  return label > 0;
}

ClientHello ClientHello::Peek(std::string_view bytes) {
  ClientHello hello;
  const Message message = JoinRecords(bytes);
  hello.state = message.state;
  if (hello.state == State::kNeedMore && bytes.size() >= kMaxBytes) hello.state = State::kMalformed;
  if (hello.state != State::kDone) return hello;
  Reader head(std::string_view(message.bytes).substr(1));
  const std::string_view body = head.Vector(3);
  if (ReadHello(body, hello)) return hello;
  hello = ClientHello();
  hello.state = State::kMalformed;
  return hello;
}

}  // namespace narthex
