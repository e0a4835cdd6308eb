#include <cstdint>
#include <string>
#include <string_view>

#include "filters/grpc_web/base64.h"
#include "filters/grpc_web/web_body.h"
#include "test/fuzz/pieces.h"

namespace narthex {
namespace {

struct Decoded {
  bool good = true;
  std::string bytes;
};

Decoded Decode(std::string_view text, uint32_t seed) {
  Base64Decoder decoder;
  Decoded decoded;
  for (Pieces pieces(text, seed); decoded.good && !pieces.empty();) {
    decoded.good = decoder.Decode(pieces.Next(), decoded.bytes);
  }
  decoded.good &= decoder.between_groups();
  return decoded;
}

std::string Encode(std::string_view bytes, uint32_t seed) {
  GrpcTextEncoder encoder;
  std::string text;
  for (Pieces pieces(bytes, seed); !pieces.empty();) encoder.Encode(pieces.Next(), text);
  encoder.Finish(text);
  return text;
}

// Whatever the bytes and wherever they are cut: a text means the same or nothing, and what is encoded means
// the bytes.
void Check(std::string_view input, uint32_t seed) {
  const Decoded whole = Decode(input, 0);
  const Decoded cut = Decode(input, seed);
  Require(whole.good == cut.good);
  if (whole.good) Require(whole.bytes == cut.bytes && input.size() % 4 == 0);
  const std::string text = Encode(input, seed);
  Require(text == Encode(input, 0));
  const Decoded again = Decode(text, seed);
  Require(again.good && again.bytes == input);
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (uint32_t seed = 1; seed <= 6; ++seed) narthex::Check(input, seed);
  return 0;
}
