#pragma once

#include "google/protobuf/message.h"

namespace narthex {

// Puts "[redacted]" in place of every secret written inside `message`: private keys, PKCS #12, passwords and
// the keys of session tickets that are given inline, also inside an Any. Names of files stay.
void RedactSecrets(google::protobuf::Message& message);

}  // namespace narthex
