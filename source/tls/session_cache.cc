#include "source/tls/session_cache.h"

#include "source/tls/tls_material.h"

namespace narthex {

void TlsSessionCache::Put(const std::shared_ptr<const TlsMaterial>& material, std::string_view name,
                          SslSessionPtr session) {
  // A connection from before a change of certificates has nothing to offer after it.
  if (material != material_) return;
  sessions_.push_front({std::string(name), std::move(session)});
  while (sessions_.size() > material->inputs().max_session_keys) sessions_.pop_back();
}

SslSessionPtr TlsSessionCache::Take(const std::shared_ptr<const TlsMaterial>& material,
                                    std::string_view name) {
  if (material != material_) {
    sessions_.clear();
    material_ = material;
  }
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (at->name != name || SSL_SESSION_is_resumable(at->session.get()) != 1) continue;
    if (SSL_SESSION_get_protocol_version(at->session.get()) != TLS1_3_VERSION) {
      SSL_SESSION_up_ref(at->session.get());
      return SslSessionPtr(at->session.get());
    }
    SslSessionPtr session = std::move(at->session);
    sessions_.erase(at);
    return session;
  }
  return nullptr;
}

}  // namespace narthex
