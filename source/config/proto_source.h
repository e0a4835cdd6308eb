#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "source/config/binder.h"
#include "source/config/diagnostics.h"
#include "source/config/tree.h"

namespace narthex {

// Parse protobuf text or binary into `message` and give `tree` the positions (text) or just the shape
// (binary) of what was set. Unknown fields and types are errors as in YAML. False when parsing could not go
// on.
bool ParseProtoText(std::string_view file, std::string_view text, google::protobuf::Message& message,
                    Tree& tree, const BindOptions& options, Diagnostics& diagnostics);
bool ParseProtoBinary(std::string_view file, std::string_view bytes, google::protobuf::Message& message,
                      Tree& tree, const BindOptions& options, Diagnostics& diagnostics);

}  // namespace narthex
