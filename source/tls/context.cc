#include "source/tls/context.h"

#include <algorithm>

#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/log.h"

namespace narthex {

namespace {

using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;

std::shared_ptr<TlsContext> Load(std::shared_ptr<TlsContext> context, const ConfigPath& path,
                                 Diagnostics& diagnostics) {
  return context->Load(path, diagnostics) ? context : nullptr;
}

}  // namespace

TlsContext::TlsContext(Role role, Origin origin, TlsStats stats, SecretLookup lookup, Reading read,
                       std::shared_ptr<TicketKeys> process_keys)
    : role_(role),
      origin_(std::move(origin)),
      stats_(std::move(stats)),
      lookup_(std::move(lookup)),
      read_(std::move(read)),
      process_keys_(std::move(process_keys)) {}

bool TlsContext::Load(const ConfigPath& path, Diagnostics& diagnostics) {
  if (role_ == Role::kServer && process_keys_ == nullptr) {
    diagnostics.Error(path, "the system has no random bytes for the keys of session tickets");
    return false;
  }
  const size_t errors_before = diagnostics.error_count();
  SecretReader reader(lookup_, diagnostics);
  TlsInputs inputs = read_(reader, diagnostics);
  if (diagnostics.error_count() != errors_before) return false;
  auto made = TlsMaterial::Make(std::move(inputs), process_keys_);
  if (!made.ok()) {
    diagnostics.Error(path, std::string(made.status().message()));
    return false;
  }
  const std::lock_guard lock(mutex_);
  material_ = *std::move(made);
  files_ = reader.files();
  fingerprint_ = reader.fingerprint();
  return true;
}

absl::Status TlsContext::Refresh() {
  Diagnostics diagnostics;
  SecretReader reader(lookup_, diagnostics);
  TlsInputs inputs = read_(reader, diagnostics);
  const bool changed = NoteFiles(reader, diagnostics.HasErrors());
  if (diagnostics.HasErrors()) return Refuse(diagnostics.ToStatus());
  if (!changed) return absl::OkStatus();
  auto made = TlsMaterial::Make(std::move(inputs), process_keys_);
  if (!made.ok()) return Refuse(ErrorAt(origin_, std::string(made.status().message())));
  {
    const std::lock_guard lock(mutex_);
    material_ = *std::move(made);
    fingerprint_ = reader.fingerprint();
  }
  stats_.context_update.Add();
  NARTHEX_LOG(kInfo, "tls") << "new certificates in use for " << origin_.ToString();
  return absl::OkStatus();
}

bool TlsContext::NoteFiles(const SecretReader& reader, bool failed) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> files = reader.files();
  // A reading that failed may not have come to all files: whoever mends one of them is to be noticed.
  for (const std::string& file : files_) {
    if (failed && std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  files_ = std::move(files);
  return fingerprint_ != reader.fingerprint();
}

absl::Status TlsContext::Refuse(absl::Status why) {
  stats_.context_update_failed.Add();
  NARTHEX_LOG(kError, "tls") << "certificates changed and cannot be used, the old ones stay in use: "
                             << std::string(why.message());
  return why;
}

std::shared_ptr<const TlsMaterial> TlsContext::material() const {
  const std::lock_guard lock(mutex_);
  return material_;
}

std::vector<std::string> TlsContext::Files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

bool TlsContext::verifies_chain() const {
  const auto now = material();
  return now->inputs().verifier != nullptr && now->inputs().verifier->has_ca();
}

std::shared_ptr<TlsContext> CompileDownstreamTls(const DownstreamTlsContext& config, const ConfigPath& path,
                                                 TlsCompileContext compile) {
  if (compile.ticket_keys == nullptr) compile.ticket_keys = TicketKeys::MakeRotating();
  auto read = [config, path, keep = compile.keep](SecretReader& reader, Diagnostics& diagnostics) {
    return ReadDownstreamTls(config, path, reader, diagnostics);
  };
  return Load(std::make_shared<TlsContext>(TlsContext::Role::kServer, path.Origin(),
                                           TlsStats(compile.stat_prefix, "server_ssl_socket_factory"),
                                           std::move(compile.find_secret), std::move(read),
                                           std::move(compile.ticket_keys)),
              path, compile.diagnostics);
}

std::shared_ptr<TlsContext> CompileUpstreamTls(const UpstreamTlsContext& config, const ConfigPath& path,
                                               TlsCompileContext compile) {
  auto read = [config, path, keep = compile.keep](SecretReader& reader, Diagnostics& diagnostics) {
    return ReadUpstreamTls(config, path, reader, diagnostics);
  };
  return Load(std::make_shared<TlsContext>(TlsContext::Role::kClient, path.Origin(),
                                           TlsStats(compile.stat_prefix, "client_ssl_socket_factory"),
                                           std::move(compile.find_secret), std::move(read), nullptr),
              path, compile.diagnostics);
}

}  // namespace narthex
