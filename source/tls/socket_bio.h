#pragma once

#include "source/tls/openssl.h"

namespace narthex {

// What OpenSSL's reads and writes of a socket have met, for the stream that it belongs to.
struct SocketBioState {
  bool drained = false;  // the last read took all that there was
  int read_error = 0;    // errno of the last read that failed; 0: it met the end
  int write_error = 0;   // errno of the last write that failed
};

// OpenSSL's access to a connected, non-blocking socket that somebody else owns. Unlike OpenSSL's own it
// raises no SIGPIPE and says what it met. `state` must outlive it. Null when memory is out.
BioPtr MakeSocketBio(int fd, SocketBioState& state);

}  // namespace narthex
