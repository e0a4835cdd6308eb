#pragma once

#include <memory>
#include <mutex>
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
// Thread-safe.
class KeyLog {
 public:
  // Looks whether there is or can be such a file, and opens and makes none: configurations are read to be
  // checked, too. Null after an error; warns otherwise, since whoever reads the file reads the connections.
  // Load time only.
  static std::shared_ptr<const KeyLog> Make(
      const envoy::extensions::transport_sockets::tls::v3::TlsKeyLog& config, const ConfigPath& path,
      Diagnostics& diagnostics);

  // One line, without its end, if the addresses of the socket `fd` are among the configured ones. The first
  // opens the file, and makes it for its owner alone. Blocks for the file; says so in the log, without the
  // line, when that takes none.
  void Write(int fd, const char* line) const;

 private:
  explicit KeyLog(std::string path) : path_(std::move(path)) {}
  void Open() const;

  const std::string path_;
  std::vector<Cidr> local_, remote_;  // empty: any
  mutable std::once_flag opened_;
  mutable OwnedFd file_;  // set by the one that opens it; none when it can't be opened
};

}  // namespace narthex
