#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace narthex {

// Base64 (RFC 4648 section 4) of a stream, piece by piece: neither holds more than a part of one group of
// four characters. Loop-confined values.

// A client may send each of its messages encoded on its own, one behind the other: a group that ends with
// padding may stand anywhere.
class Base64Decoder {
 public:
  // Appends to `out` what the whole groups of `text` mean; false when it is no base64: another character
  // (also white space), misplaced padding, or bits behind the last byte that are not zero.
  bool Decode(std::string_view text, std::string& out);
  // Whether no group has begun that is not whole: padding is not optional.
  bool between_groups() const { return digits_ == 0; }

 private:
  bool Pad(std::string& out);
  bool TakeOne(char c, std::string& out);

  uint32_t group_ = 0;  // the digits of the group so far, six bits each
  uint8_t digits_ = 0;  // how many characters of the group were there, padding included
  bool padded_ = false;
};

class Base64Encoder {
 public:
  // Appends the text of the whole groups of `bytes`, counted from the last Pad.
  void Encode(std::string_view bytes, std::string& out);
  // Appends what is left, with padding: what follows begins a group.
  void Pad(std::string& out);

 private:
  std::array<char, 3> held_ = {};
  size_t held_size_ = 0;
};

}  // namespace narthex
