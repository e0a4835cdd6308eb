#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/document.h"
#include "test/config/example.pb.h"
#include "test/config/ruled.pb.h"

namespace narthex {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Whatever the text: no crash, an error exactly when it is refused, and what is accepted keeps its meaning in
// binary.
template <typename M>
void Load(std::string_view text, Format format) {
  M message;
  ConfigDocument document;
  Diagnostics diagnostics;
  bool ok = LoadString("fuzz", text, message, document, diagnostics, {.format = format});
  Require(ok != diagnostics.HasErrors());
  diagnostics.ToText(/*carets=*/true);
  diagnostics.ToJson();
  for (const Diagnostic& diagnostic : diagnostics.Sorted())
    document.origins()->FindPath(diagnostic.origin.path);
  if (!ok) return;
  M again;
  ConfigDocument origins;
  Diagnostics none;
  Require(LoadString("fuzz.pb", message.SerializeAsString(), again, origins, none));
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte chooses the format, so that one corpus serves all.
  std::string_view text(reinterpret_cast<const char*>(data), size);
  switch (data[0]) {
    case '{':
      narthex::Load<narthex::test::Gate>(text, narthex::Format::kJson);
      break;
    case '#':
      narthex::Load<narthex::test::Ruled>(text, narthex::Format::kYaml);
      break;
    case 's':  // static_resources
      narthex::Load<envoy::config::bootstrap::v3::Bootstrap>(text, narthex::Format::kYaml);
      break;
    case '@':
      narthex::Load<narthex::test::Gate>(text.substr(1), narthex::Format::kText);
      break;
    case '\0':
      narthex::Load<narthex::test::Gate>(text.substr(1), narthex::Format::kBinary);
      break;
    default:
      narthex::Load<narthex::test::Gate>(text, narthex::Format::kYaml);
      break;
  }
  return 0;
}
