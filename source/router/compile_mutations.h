#pragma once

#include <memory>

#include "source/base/ascii.h"
#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/router/header_mutation.h"

namespace envoy::config::core::v3 {
class HeaderValueOption;
}

namespace narthex {

// Compiles one HeaderValueOption; false after an error.
bool CompileHeaderAddition(const envoy::config::core::v3::HeaderValueOption& config, const ConfigPath& path,
                           Diagnostics& diagnostics, HeaderAddition& addition);
// Whether a header of this lower-case name may be removed or added: pseudo-headers and host may not. False
// after an error. Warns of a name that has no effect.
bool CheckModifiable(const std::string& name, const ConfigPath& path, Diagnostics& diagnostics);

// One level's changes from the fields `headers_to_add` and `headers_to_remove`; null when there are none.
template <class Additions, class Removals>
std::shared_ptr<const HeaderMutationLevel> CompileHeaderLevel(const Additions& add,
                                                              const ConfigPath& add_path,
                                                              const Removals& remove,
                                                              const ConfigPath& remove_path,
                                                              Diagnostics& diagnostics) {
  if (add.empty() && remove.empty()) return nullptr;
  auto level = std::make_shared<HeaderMutationLevel>();
  for (int i = 0; i < remove.size(); ++i) {
    level->remove.push_back(ToLowerAscii(remove[i]));
    CheckModifiable(level->remove.back(), remove_path.Index(static_cast<size_t>(i)), diagnostics);
  }
  for (int i = 0; i < add.size(); ++i) {
    CompileHeaderAddition(add[i], add_path.Index(static_cast<size_t>(i)), diagnostics,
                          level->add.emplace_back());
  }
  return level;
}

}  // namespace narthex
