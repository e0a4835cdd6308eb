#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/net/address.h"
#include "source/net/owned_fd.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class TlsKeyLog;
}

namespace narthex {

// A file that the secrets of connections are written to, for those who debug them: NSS's key log format.
// Immutable, thread-safe.
class KeyLog {
 public:
  // Opens the file to append to it, and makes it for its owner alone. Null after an error; warns otherwise,
  // since whoever reads the file reads the connections. Load time only.
  static std::shared_ptr<const KeyLog> Open(
      const envoy::extensions::transport_sockets::tls::v3::TlsKeyLog& config, const ConfigPath& path,
      Diagnostics& diagnostics);

  // One line, without its end, if the addresses of the socket `fd` are among the configured ones. Blocks for
  // the file; says so in the log, without the line, when that takes none.
  void Write(int fd, const char* line) const;

 private:
  KeyLog(std::string path, OwnedFd file) : path_(std::move(path)), file_(std::move(file)) {}

  const std::string path_;
  const OwnedFd file_;
  std::vector<Cidr> local_, remote_;  // empty: any
};

}  // namespace narthex
