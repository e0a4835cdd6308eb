#include "source/tls/stats.h"

namespace narthex {

TlsStats::TlsStats(const std::string& prefix, std::string_view socket) : prefix_(prefix + "ssl.") {
  StatsStore& store = StatsStore::Process();
  const auto counter = [&](const char* name) { return store.MakeCounter(prefix_ + name); };
  connection_error = counter("connection_error");
  handshake = counter("handshake");
  session_reused = counter("session_reused");
  no_certificate = counter("no_certificate");
  fail_verify_no_cert = counter("fail_verify_no_cert");
  fail_verify_error = counter("fail_verify_error");
  fail_verify_san = counter("fail_verify_san");
  fail_verify_cert_hash = counter("fail_verify_cert_hash");
  ocsp_staple_requests = counter("ocsp_staple_requests");
  ocsp_staple_responses = counter("ocsp_staple_responses");
  ocsp_staple_omitted = counter("ocsp_staple_omitted");
  ocsp_staple_failed = counter("ocsp_staple_failed");
  context_update_failed = counter("context_update_failed");
  context_update = store.MakeCounter(prefix + std::string(socket) + ".ssl_context_update_by_sds");
}

void TlsStats::CountHandshake(const TlsAgreement& agreed) const {
  handshake.Add();
  if (agreed.resumed) session_reused.Add();
  if (!agreed.peer_certificate) no_certificate.Add();
  if (prefix_.empty()) return;
  // Few of the many names are ever used, so each is made when it first is: a lookup a handshake.
  StatsStore& store = StatsStore::Process();
  store.MakeCounter(prefix_ + "versions." + std::string(agreed.version)).Add();
  store.MakeCounter(prefix_ + "ciphers." + std::string(agreed.cipher)).Add();
  if (!agreed.group.empty()) store.MakeCounter(prefix_ + "curves." + std::string(agreed.group)).Add();
}

void TlsStats::CountStapling(Stapling stapling) const {
  if (stapling == Stapling::kNotAsked) return;
  ocsp_staple_requests.Add();
  (stapling == Stapling::kSent      ? ocsp_staple_responses
   : stapling == Stapling::kOmitted ? ocsp_staple_omitted
                                    : ocsp_staple_failed)
      .Add();
}

}  // namespace narthex
