#pragma once

namespace narthex {

// Whose defaults stand in for what the configuration leaves unset (narthex.config.bootstrap.v1.Profile).
enum class Profile {
  kEdge,   // safe for clients that are not trusted
  kEnvoy,  // exactly Envoy's
};

}  // namespace narthex
