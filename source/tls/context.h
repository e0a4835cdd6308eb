#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/config/origin.h"
#include "source/tls/secret_reader.h"
#include "source/tls/stats.h"
#include "source/tls/ticket_keys.h"
#include "source/tls/tls_material.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class DownstreamTlsContext;
class UpstreamTlsContext;
}  // namespace envoy::extensions::transport_sockets::tls::v3

namespace narthex {

// The TLS of a listener's filter chain or of a cluster, compiled. What it is made of can be read again; new
// connections then begin with the new state, and those that are there keep theirs. Thread-safe.
class TlsContext {
 public:
  enum class Role { kServer, kClient };
  // One reading of the configuration, into `diagnostics`; kept to be done again.
  using Reading = std::function<TlsInputs(SecretReader& reader, Diagnostics& diagnostics)>;

  TlsContext(Role role, Origin origin, TlsStats stats, SecretLookup lookup, Reading read,
             std::shared_ptr<TicketKeys> process_keys);
  TlsContext(const TlsContext&) = delete;

  // Reads everything for the first time. False after an error, and then the context is not to be used.
  bool Load(const ConfigPath& path, Diagnostics& diagnostics);
  // Reads everything again. When all of it is good and something has changed, new connections use it from now
  // on; on an error the old state stays, which is logged and counted. Blocks for files: main thread.
  absl::Status Refresh();

  // What new connections begin with. Any thread.
  std::shared_ptr<const TlsMaterial> material() const;
  // Every file that the last reading looked at.
  std::vector<std::string> Files() const;
  Role role() const { return role_; }
  const Origin& origin() const { return origin_; }
  const TlsStats& stats() const { return stats_; }
  // Whether peers are checked against an authority: what the check of a host's name stands on.
  bool verifies_chain() const;

 private:
  // Whether anything is other than in the reading that was taken last.
  bool NoteFiles(const SecretReader& reader, bool failed);
  absl::Status Refuse(absl::Status why);

  const Role role_;
  const Origin origin_;
  const TlsStats stats_;
  const SecretLookup lookup_;
  const Reading read_;
  const std::shared_ptr<TicketKeys> process_keys_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_;  // guarded by mutex_
  std::vector<std::string> files_;               // guarded by mutex_
  std::string fingerprint_;                      // guarded by mutex_
};

// What contexts are compiled with.
struct TlsCompileContext {
  Diagnostics& diagnostics;
  std::string stat_prefix = {};   // "listener.0.0.0.0_443.", "cluster.products."
  SecretLookup find_secret = {};  // the bootstrap's; kept by the context
  // Seal the tickets of servers without keys of their own, over reloads too. Null: keys of the context's own.
  std::shared_ptr<TicketKeys> ticket_keys = {};
  // Holds what `path` and `find_secret` refer to (ConfigDocument::origins()) as long as the context lives.
  std::shared_ptr<const void> keep = {};
};

// Compile `config`, at `path`. Everything wrong goes to the diagnostics; null when that includes an error.
// Blocks for files: configuration thread.
std::shared_ptr<TlsContext> CompileDownstreamTls(
    const envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext& config, const ConfigPath& path,
    TlsCompileContext compile);
std::shared_ptr<TlsContext> CompileUpstreamTls(
    const envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext& config, const ConfigPath& path,
    TlsCompileContext compile);

}  // namespace narthex
