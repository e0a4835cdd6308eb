#include "source/tls/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "envoy/config/core/v3/address.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "source/base/log.h"

namespace narthex {
namespace {

using Ranges = google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange>;

std::vector<Cidr> RangesOf(const Ranges& ranges, const ConfigPath& path, Diagnostics& diagnostics) {
  std::vector<Cidr> compiled;
  for (int i = 0; i < ranges.size(); ++i) {
    absl::StatusOr<Cidr> range = Cidr::Make(ranges[i].address_prefix(), ranges[i].prefix_len().value());
    if (range.ok()) {
      compiled.push_back(*range);
    } else {
      diagnostics.Error(path.Index(static_cast<size_t>(i)), std::string(range.status().message()));
    }
  }
  return compiled;
}

bool IsAmong(const std::vector<Cidr>& ranges, const Address& address) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(),
                                       [&](const Cidr& range) { return range.Contains(address); });
}

}  // namespace

std::shared_ptr<const KeyLog> KeyLog::Open(
    const envoy::extensions::transport_sockets::tls::v3::TlsKeyLog& config, const ConfigPath& path,
    Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.error_count();
  std::vector<Cidr> local =
      RangesOf(config.local_address_range(), path.Field("local_address_range"), diagnostics);
  std::vector<Cidr> remote =
      RangesOf(config.remote_address_range(), path.Field("remote_address_range"), diagnostics);
  if (diagnostics.error_count() != errors_before) return nullptr;
  OwnedFd file(open(config.path().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (file.get() < 0) {
    diagnostics.Error(path.Field("path"),
                      "cannot open \"" + config.path() + "\": " + std::string(std::strerror(errno)));
    return nullptr;
  }
  diagnostics.Warning(path, "whoever reads \"" + config.path() + "\" can read these connections");
  std::shared_ptr<KeyLog> log(new KeyLog(config.path(), std::move(file)));
  log->local_ = std::move(local);
  log->remote_ = std::move(remote);
  return log;
}

void KeyLog::Write(int fd, const char* line) const {
  if (!IsAmong(local_, Address::LocalOf(fd)) || !IsAmong(remote_, Address::PeerOf(fd))) return;
  // In one piece, so that lines of several workers do not mix.
  std::string whole = line;
  whole += '\n';
  const ssize_t written = write(file_.get(), whole.data(), whole.size());
  const int error = errno;
  OPENSSL_cleanse(whole.data(), whole.size());
  if (written == static_cast<ssize_t>(whole.size())) return;
  NARTHEX_LOG(kError, "tls") << "cannot write to the key log \"" << path_
                             << "\": " << (written < 0 ? std::strerror(error) : "no room");
}

}  // namespace narthex
