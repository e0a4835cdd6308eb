#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace narthex {

using RawFields = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// One frame by hand (RFC 9113 section 4.1).
std::string RawFrame(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload);
// A field section: literals without indexing, no Huffman code, nothing checked (RFC 7541 section 6.2.2).
std::string RawFieldBlock(const RawFields& fields);
// HEADERS with END_HEADERS.
std::string RawHeaders(uint32_t id, const RawFields& fields, bool end_stream);
std::string RawData(uint32_t id, std::string_view bytes, bool end_stream);
std::string RawWindowUpdate(uint32_t id, uint32_t increment);
std::string RawReset(uint32_t id, uint32_t code);
std::string RawSettings(const std::vector<std::pair<uint16_t, uint32_t>>& entries);
std::string RawPing(std::string_view eight_bytes, bool ack = false);

// The fields of an ordinary request.
RawFields RawGet(std::string_view path);
RawFields RawPost(std::string_view path);

// Understands what an HTTP/2 endpoint sends, frame by frame, and never answers by itself.
class RawReader {
 public:
  struct Message {
    RawFields fields;
    RawFields trailers;
    std::vector<RawFields> interim;
    std::string body;
    size_t data_frames = 0;
    bool ended = false;
    bool reset = false;
    uint32_t reset_code = 0;

    std::string Get(std::string_view name) const;
    int status() const;
  };

  RawReader();
  ~RawReader();
  RawReader(const RawReader&) = delete;

  // Reads on in `bytes`, all that was received so far.
  void Read(std::string_view bytes);

  std::map<uint32_t, Message> streams;
  std::map<uint16_t, uint32_t> settings;
  int settings_acks = 0;
  std::vector<std::string> pings;  // without those that are answers
  std::vector<std::string> ping_acks;
  std::map<uint32_t, uint64_t> window_updates;         // increments by stream
  std::vector<std::pair<uint32_t, uint32_t>> goaways;  // last stream and code
  int resets = 0;

 private:
  void Take(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload);
  void TakeFields(uint32_t id, std::string_view block, bool end_stream);
  void TakeSettings(std::string_view payload);

  size_t at_ = 0;
  std::string block_;
  bool block_ends_stream_ = false;
  nghttp2_hd_inflater* inflater_ = nullptr;
};

}  // namespace narthex
