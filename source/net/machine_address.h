#pragma once

#include <string>

namespace narthex {

// An IPv4 address of this machine other than loopback, as text; empty when there is none. Load-time only.
std::string MachineAddress();

}  // namespace narthex
