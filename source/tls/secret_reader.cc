#include "source/tls/secret_reader.h"

#include <openssl/sha.h>

#include <algorithm>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/config/data_source.h"
#include "source/config/unpack.h"

namespace narthex {
namespace {

using envoy::config::core::v3::DataSource;
using envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;
using envoy::extensions::transport_sockets::tls::v3::Secret;
using envoy::service::discovery::v3::DiscoveryResponse;

ConfigPath PlaceOf(const DataSource& source, const ConfigPath& path) {
  switch (source.specifier_case()) {
    case DataSource::kFilename:
      return path.Field("filename");
    case DataSource::kEnvironmentVariable:
      return path.Field("environment_variable");
    case DataSource::kInlineBytes:
      return path.Field("inline_bytes");
    default:
      return path.Field("inline_string");
  }
}

}  // namespace

// A file of secrets, read.
struct SecretReader::SecretFile {
  ConfigDocument document;
  std::vector<Secret> secrets;
  std::vector<ConfigPath> paths;
  bool ok = false;
};

SecretReader::SecretReader(const SecretLookup& lookup, Diagnostics& diagnostics)
    : lookup_(lookup), diagnostics_(diagnostics) {}

SecretReader::~SecretReader() = default;

std::optional<PlacedSecret> SecretReader::Find(const SdsSecretConfig& config, const ConfigPath& path) {
  if (!config.has_sds_config()) {
    std::optional<PlacedSecret> found;
    if (lookup_) found = lookup_(config.name());
    if (!found) diagnostics_.Error(path.Field("name"), "no secret of the bootstrap has this name");
    return found;
  }
  const ConfigPath file_path = path.Field("sds_config").Field("path_config_source").Field("path");
  const SecretFile* file = Open(config.sds_config().path_config_source().path(), file_path);
  if (file == nullptr) return std::nullopt;
  for (size_t i = 0; i < file->secrets.size(); ++i) {
    if (file->secrets[i].name() == config.name()) return PlacedSecret{&file->secrets[i], file->paths[i]};
  }
  diagnostics_.Error(path.Field("name"), "no secret of \"" + config.sds_config().path_config_source().path() +
                                             "\" has this name");
  return std::nullopt;
}

const SecretReader::SecretFile* SecretReader::Open(const std::string& file, const ConfigPath& path) {
  const auto [at, inserted] = opened_.try_emplace(file);
  if (!inserted) return at->second->ok ? at->second.get() : nullptr;
  NoteFile(file);
  at->second = std::make_unique<SecretFile>();
  SecretFile& opened = *at->second;
  DiscoveryResponse response;
  if (!LoadFile(file, response, opened.document, diagnostics_)) {
    diagnostics_.Error(path, "\"" + file + "\" cannot be used");
    return nullptr;
  }
  opened.ok = true;
  for (int i = 0; i < response.resources_size(); ++i) {
    const ConfigPath place = opened.document.Root().Field("resources").Index(static_cast<size_t>(i));
    absl::StatusOr<Secret> secret = Unpack<Secret>(response.resources(i), place);
    diagnostics_.AddStatus(secret.status());
    opened.ok &= secret.ok();
    if (!secret.ok()) continue;
    fingerprint_ += secret->SerializeAsString();
    opened.secrets.push_back(*std::move(secret));
    opened.paths.push_back(place);
  }
  return opened.ok ? &opened : nullptr;
}

std::optional<SecretReader::Content> SecretReader::Read(const DataSource& source, const ConfigPath& path) {
  Content content{{}, "<inline>", PlaceOf(source, path)};
  if (source.specifier_case() == DataSource::kFilename) {
    content.origin = source.filename();
    NoteFile(source.filename());
  }
  absl::StatusOr<std::string> bytes = ReadDataSource(source, path);
  if (!bytes.ok()) {
    diagnostics_.AddStatus(bytes.status());
    return std::nullopt;
  }
  content.bytes = *std::move(bytes);
  if (content.bytes.empty()) {
    Report(content, "is empty");
    return std::nullopt;
  }
  // A digest, since a copy of a key must not lie about.
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(content.bytes.data()), content.bytes.size(), digest);
  fingerprint_.append(reinterpret_cast<const char*>(digest), sizeof digest);
  return content;
}

void SecretReader::Report(const Content& content, std::string_view message) {
  const bool file = content.origin != "<inline>";
  diagnostics_.Error(content.path, (file ? "\"" + content.origin + "\" " : "") + std::string(message));
}

void SecretReader::NoteFile(const std::string& file) {
  if (std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
}

}  // namespace narthex
