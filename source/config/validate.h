#pragma once

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace narthex {

// Checks `message`, at `path`, against the validate.rules options of its .proto, through nested messages and
// the Any that it can unpack. Every violation becomes an error in `diagnostics`; false when there is one.
// Thread-safe; the rules of a message type are compiled at its first use and kept.
bool Validate(const google::protobuf::Message& message, const ConfigPath& path, Diagnostics& diagnostics);

}  // namespace narthex
