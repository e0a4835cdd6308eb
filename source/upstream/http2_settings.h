#pragma once

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/http/http2_options.h"

namespace envoy::config::core::v3 {
class Http2ProtocolOptions;
}

namespace narthex {

// What Envoy does where nothing is written. Http2Options itself has the defaults of the edge profile, and of
// upstreams.
Http2Options EnvoyHttp2Defaults();

// Puts what `config` writes over the defaults in `options`, for listeners and clusters alike. Adds what is
// without effect to the diagnostics. Load-time only.
void CompileHttp2Options(const envoy::config::core::v3::Http2ProtocolOptions& config, ConfigPath path,
                         Diagnostics& diagnostics, Http2Options& options);

}  // namespace narthex
