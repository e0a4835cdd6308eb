#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "source/tls/openssl.h"

namespace narthex {

class TlsMaterial;

// The sessions that the hosts of one cluster have offered to one worker, to resume them: at most as many as
// max_session_keys says, the newest first. A session is only offered where the same certificate checks would
// have been made: under the same material and the same name. Loop-confined.
class TlsSessionCache {
 public:
  TlsSessionCache() = default;
  TlsSessionCache(const TlsSessionCache&) = delete;

  // `name` is the server name asked for, with whatever else the peer was checked by. Forgotten when
  // `material` is not what Take was last called with.
  void Put(const std::shared_ptr<const TlsMaterial>& material, std::string_view name, SslSessionPtr session);
  // Null when there is none. With other material than before, all older sessions are forgotten. A session of
  // TLS 1.3 is given once (RFC 8446 appendix C.4).
  SslSessionPtr Take(const std::shared_ptr<const TlsMaterial>& material, std::string_view name);
  size_t size() const { return sessions_.size(); }

 private:
  struct Entry {
    std::string name;
    SslSessionPtr session;
  };
  std::shared_ptr<const TlsMaterial> material_;  // of all sessions
  std::deque<Entry> sessions_;
};

}  // namespace narthex
