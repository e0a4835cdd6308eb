#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/tls/context.h"

namespace narthex {

// Envoy's admin page /certs: for each context its authorities and certificates, with the file, serial number,
// names and days left; never any key. JSON.
std::string CertificatesJson(const std::vector<std::shared_ptr<TlsContext>>& contexts,
                             std::chrono::system_clock::time_point now);
// Whole days until the first certificate of any context expires, 0 for one that has: the gauge
// server.days_until_first_cert_expiring. Nullopt without certificates.
std::optional<int64_t> DaysUntilFirstExpiry(const std::vector<std::shared_ptr<TlsContext>>& contexts,
                                            std::chrono::system_clock::time_point now);

// Seconds until the first OCSP response of any context is outdated, 0 for one that is: the gauge
// server.seconds_until_first_ocsp_response_expiring. Nullopt without responses.
std::optional<int64_t> SecondsUntilFirstStapleExpires(
    const std::vector<std::shared_ptr<TlsContext>>& contexts, std::chrono::system_clock::time_point now);

}  // namespace narthex
