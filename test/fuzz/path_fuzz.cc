#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/manager/path_normalization.h"

namespace narthex {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Whatever the path: normalising is idempotent, only escapes make it longer, and it leaves neither dot
// segments nor, when asked, doubled slashes.
void Check(const PathPolicy& policy, std::string_view path) {
  std::string out;
  PathVerdict verdict = NormalizePath(policy, path, out);
  if (verdict != PathVerdict::kChanged && verdict != PathVerdict::kRedirect) return;
  Require(out.size() <= 3 * path.size() && out[0] == '/');
  if (verdict == PathVerdict::kRedirect) Require(out.size() < 2 || (out[1] != '/' && out[1] != '\\'));
  std::string again;
  Require(NormalizePath(policy, out, again) == PathVerdict::kUnchanged);
  std::string_view clean = std::string_view(out).substr(0, out.find('?'));
  if (policy.merge_slashes) Require(clean.find("//") == std::string_view::npos);
  if (policy.normalize) Require(clean.find("/../") == std::string_view::npos && !clean.ends_with("/.."));
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string path = "/";
  path.append(reinterpret_cast<const char*>(data), size);
  for (int bits = 0; bits < 16; ++bits) {
    narthex::PathPolicy policy{(bits & 1) != 0, (bits & 2) != 0,
                               static_cast<narthex::EscapedSlashes>(bits >> 2)};
    narthex::Check(policy, path);
  }
  return 0;
}
