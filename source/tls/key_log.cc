#include "source/tls/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "envoy/config/core/v3/address.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "source/base/log.h"

namespace narthex {
namespace {

constexpr const char* kNoRegularFile = "it is no regular file";

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

// What would keep the file from being opened, as far as it can be seen from outside; empty: nothing.
std::string ObstacleTo(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) return kNoRegularFile;
    return access(path.c_str(), W_OK) == 0 ? "" : std::strerror(errno);
  }
  if (errno != ENOENT) return std::strerror(errno);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0 ? "" : std::strerror(errno);
}

}  // namespace

std::shared_ptr<const KeyLog> KeyLog::Make(
    const envoy::extensions::transport_sockets::tls::v3::TlsKeyLog& config, const ConfigPath& path,
    Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.error_count();
  std::vector<Cidr> local =
      RangesOf(config.local_address_range(), path.Field("local_address_range"), diagnostics);
  std::vector<Cidr> remote =
      RangesOf(config.remote_address_range(), path.Field("remote_address_range"), diagnostics);
  if (diagnostics.error_count() != errors_before) return nullptr;
  if (const std::string obstacle = ObstacleTo(config.path()); !obstacle.empty()) {
    diagnostics.Error(path.Field("path"), "cannot open \"" + config.path() + "\": " + obstacle);
    return nullptr;
  }
  diagnostics.Warning(path, "whoever reads \"" + config.path() + "\" can read these connections");
  std::shared_ptr<KeyLog> log(new KeyLog(config.path()));
  log->local_ = std::move(local);
  log->remote_ = std::move(remote);
  return log;
}

void KeyLog::Open() const {
  // Without O_NONBLOCK a pipe would hold the worker up until somebody reads it.
  OwnedFd file(open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600));
  std::string obstacle;
  struct stat info = {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) {
    obstacle = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    obstacle = kNoRegularFile;
  } else {
    file_ = std::move(file);
    return;
  }
  NARTHEX_LOG(kError, "tls") << "cannot open the key log \"" << path_ << "\": " << obstacle;
}

void KeyLog::Write(int fd, const char* line) const {
  if (!IsAmong(local_, Address::LocalOf(fd)) || !IsAmong(remote_, Address::PeerOf(fd))) return;
  std::call_once(opened_, [this] { Open(); });
  if (file_.get() < 0) return;
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
