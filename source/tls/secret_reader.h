#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/config/document.h"

namespace envoy::config::core::v3 {
class DataSource;
}
namespace envoy::extensions::transport_sockets::tls::v3 {
class SdsSecretConfig;
class Secret;
}  // namespace envoy::extensions::transport_sockets::tls::v3

namespace narthex {

// A secret and where it is written. The message lives as long as whoever gave it says.
struct PlacedSecret {
  const envoy::extensions::transport_sockets::tls::v3::Secret* secret = nullptr;
  ConfigPath path;
};
// Finds a secret of the bootstrap; nullopt when there is none of that name.
using SecretLookup = std::function<std::optional<PlacedSecret>(std::string_view name)>;

// Reads what TLS configuration refers to, and keeps account of it: which files, and what was in them. For one
// reading of one configuration; what it returns lives as long as it does.
class SecretReader {
 public:
  SecretReader(const SecretLookup& lookup, Diagnostics& diagnostics);
  SecretReader(const SecretReader&) = delete;
  ~SecretReader();

  // The secret that `config`, at `path`, names; nullopt after an error.
  std::optional<PlacedSecret> Find(
      const envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig& config, const ConfigPath& path);

  // The bytes of a source; nullopt after an error. Empty content is an error.
  struct Content {
    std::string bytes;
    std::string origin;  // the file, or "<inline>"
    ConfigPath path;     // of the field that names it: where what is wrong with the bytes is reported
  };
  std::optional<Content> Read(const envoy::config::core::v3::DataSource& source, const ConfigPath& path);
  // Reports what is wrong with bytes that were read: "FILE" holds no certificate.
  void Report(const Content& content, std::string_view message);

  const std::vector<std::string>& files() const { return files_; }
  // Of all that was read, in order: equal when nothing has changed.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  struct SecretFile;
  const SecretFile* Open(const std::string& file, const ConfigPath& path);
  void NoteFile(const std::string& file);

  const SecretLookup& lookup_;
  Diagnostics& diagnostics_;
  std::map<std::string, std::unique_ptr<SecretFile>> opened_;
  std::vector<std::string> files_;
  std::string fingerprint_;
};

}  // namespace narthex
