#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/router/compiled_route.h"
#include "source/router/path_index.h"
#include "source/router/route_table.h"

namespace narthex {

// A virtual host, compiled. Immutable once built, thread-safe.
struct VirtualHost {
  enum class Tls : uint8_t { kNone, kExternalOnly, kAll };

  RouteScope scope;
  Tls require_tls = Tls::kNone;
  std::unique_ptr<const CompiledRoute> tls_redirect;  // set unless require_tls is kNone
  std::vector<std::string> domains;
  std::vector<std::unique_ptr<CompiledRoute>> routes;
  PathIndex index;
  std::vector<uint32_t> connects;  // the positions of the routes that take CONNECT, in order

  const CompiledRoute* Match(const RouteInput& input) const;
  const CompiledRoute* MatchLinear(const RouteInput& input) const;
  void Explain(const RouteInput& input, std::vector<std::string>& lines) const;

 private:
  bool NeedsTls(const RouteInput& input) const;
  const CompiledRoute* MatchConnect(const RouteInput& input) const;
};

// Finds the virtual host of a host name: exact domains first, then the longest suffix ("*.example.org"), the
// longest prefix ("example.*"), and "*". Immutable once built, thread-safe.
class HostIndex {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  // `domain` in lower case. The value that is there already when the domain is a duplicate, else kNone.
  uint32_t Add(std::string_view domain, uint32_t value);
  // Ignores the case of `host`; allocates only for hosts longer than any in DNS.
  uint32_t Find(std::string_view host) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Names = absl::flat_hash_map<std::string, uint32_t, Hash, std::equal_to<>>;
  // Wildcards of one length; the longest first.
  struct Length {
    size_t size;
    Names names;
  };

  uint32_t FindLower(std::string_view host) const;
  static uint32_t AddWildcard(std::vector<Length>& lengths, std::string_view text, uint32_t value);

  Names exact_;
  std::vector<Length> suffixes_;
  std::vector<Length> prefixes_;
  uint32_t any_ = kNone;
};

}  // namespace narthex
