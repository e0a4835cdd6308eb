#pragma once

#include <cstdint>
#include <string_view>

namespace narthex {

enum class SpokenHttp : uint8_t {
  kNeedMore,  // HTTP so far, of either kind
  kNone,
  kHttp10,  // or of any version but those below, which Envoy takes for this one
  kHttp11,
  kHttp2,  // its preface (RFC 9113 section 3.4)
};

// What the first bytes of a connection in clear text say of the version of HTTP that follows
// (`http_inspector`). Pure.
SpokenHttp RecognizeHttp(std::string_view bytes);

}  // namespace narthex
