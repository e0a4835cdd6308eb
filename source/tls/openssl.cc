#include "source/tls/openssl.h"

#include <openssl/err.h>

namespace narthex {

std::string TakeOpensslError() {
  std::string text;
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long error = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    const char* reason = ERR_reason_error_string(error);
    const std::string one = reason != nullptr ? reason : "error " + std::to_string(ERR_GET_REASON(error));
    // Layers of a decoder say the same one after another.
    if (text.ends_with(one)) continue;
    if (!text.empty()) text += ": ";
    text += one;
  }
  return text.empty() ? "unknown error" : text;
}

BioPtr ReaderOf(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace narthex
