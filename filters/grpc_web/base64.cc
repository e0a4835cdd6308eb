#include "filters/grpc_web/base64.h"

#include <algorithm>

namespace narthex {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 0xff;

constexpr std::array<uint8_t, 256> MakeValues() {
  std::array<uint8_t, 256> values = {};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<uint8_t>(i);
  }
  return values;
}
constexpr std::array<uint8_t, 256> kValues = MakeValues();

uint8_t ValueOf(char c) {
  return kValues[static_cast<unsigned char>(c)];
}

uint8_t ByteOf(char c) {
  return static_cast<uint8_t>(c);
}

void AppendBytes(uint32_t group, size_t count, std::string& out) {
  const char bytes[] = {static_cast<char>(group >> 16), static_cast<char>(group >> 8),
                        static_cast<char>(group)};
  out.append(bytes, count);
}

// Whole groups only: three bytes each.
void AppendGroups(std::string_view bytes, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + bytes.size() / 3 * 4);
  char* to = out.data() + begin;
  for (size_t i = 0; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group =
        uint32_t{ByteOf(bytes[i])} << 16 | uint32_t{ByteOf(bytes[i + 1])} << 8 | ByteOf(bytes[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) *to++ = kDigits[(group >> shift) & 63];
  }
}

}  // namespace

// One "=" where a group needs two leaves it open; the second one ends it.
bool Base64Decoder::Pad(std::string& out) {
  if (digits_ < 2) return false;
  ++digits_;
  group_ <<= 6;
  const bool first = !padded_;
  padded_ = true;
  if (digits_ < 4) return true;
  const size_t count = first ? 2 : 1;
  const uint32_t behind = group_ & (first ? 0xffU : 0xffffU);
  AppendBytes(group_, count, out);
  group_ = 0;
  digits_ = 0;
  padded_ = false;
  return behind == 0;
}

bool Base64Decoder::TakeOne(char c, std::string& out) {
  if (c == '=') return Pad(out);
  const uint8_t value = ValueOf(c);
  if (value == kNoDigit || padded_) return false;
  group_ = group_ << 6 | value;
  if (++digits_ < 4) return true;
  AppendBytes(group_, 3, out);
  group_ = 0;
  digits_ = 0;
  return true;
}

bool Base64Decoder::Decode(std::string_view text, std::string& out) {
  out.reserve(out.size() + text.size() / 4 * 3 + 3);
  for (const char c : text) {
    if (!TakeOne(c, out)) return false;
  }
  return true;
}

void Base64Encoder::Encode(std::string_view bytes, std::string& out) {
  while (held_size_ > 0 && !bytes.empty()) {
    held_[held_size_++] = bytes.front();
    bytes.remove_prefix(1);
    if (held_size_ < held_.size()) continue;
    AppendGroups({held_.data(), held_.size()}, out);
    held_size_ = 0;
  }
  const size_t whole = bytes.size() / 3 * 3;
  AppendGroups(bytes.substr(0, whole), out);
  bytes.remove_prefix(whole);
  std::copy(bytes.begin(), bytes.end(), held_.begin() + held_size_);
  held_size_ += bytes.size();
}

void Base64Encoder::Pad(std::string& out) {
  if (held_size_ == 0) return;
  std::fill(held_.begin() + held_size_, held_.end(), '\0');
  AppendGroups({held_.data(), held_.size()}, out);
  std::fill(out.end() - static_cast<std::ptrdiff_t>(held_.size() - held_size_), out.end(), '=');
  held_size_ = 0;
}

}  // namespace narthex
