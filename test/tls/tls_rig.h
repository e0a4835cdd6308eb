#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/config/document.h"
#include "source/event/event_loop.h"
#include "source/tls/context.h"
#include "source/tls/tls_stream.h"
#include "test/tls/test_certificate.h"

namespace narthex {

// Contexts made from YAML, and pairs of streams between them on one loop.
class TlsRig : public testing::Test {
 protected:
  TlsRig();
  ~TlsRig() override;

  // `{inline_string: "..."}`.
  static std::string Inline(const std::string& text);
  // `{certificate_chain: ..., private_key: ...}`; `chain` follows the certificate.
  static std::string Pair(const TestCertificate& certificate, const std::string& chain = {});
  // The fields of a DownstreamTlsContext: one certificate, and more fields of both messages.
  static std::string ServerFields(const std::string& certificates, const std::string& common = {},
                                  const std::string& more = {});
  static std::string ClientFields(const std::string& common, const std::string& more = {});

  // Null after an error, which is in `errors_` then.
  std::shared_ptr<TlsContext> Server(const std::string& yaml);
  std::shared_ptr<TlsContext> Client(const std::string& yaml);
  // A server with that certificate, and a client that trusts `authority_`, with more fields of its contexts.
  std::shared_ptr<TlsContext> PlainServer() { return Server(ServerFields(Pair(server_certificate_))); }
  std::shared_ptr<TlsContext> TrustingClient(const std::string& common = {}, const std::string& more = {});

  struct Connection {
    TlsHandshakeResult server_result, client_result;
    std::unique_ptr<TlsStream> server, client;
    bool ok() const { return server_result.ok && client_result.ok; }
  };
  // Connects and shakes hands.
  Connection Connect(const std::shared_ptr<TlsContext>& server, const std::shared_ptr<TlsContext>& client,
                     TlsClientOptions options = {});
  // The name of the certificate that a client gets which asks for `name`.
  std::string CertificateFor(const std::shared_ptr<TlsContext>& server, const std::string& name,
                             const std::string& client_common = {});
  // Two connected descriptors.
  void MakeSockets(int fds[2]);
  // Runs the loop until `task` has ended; false when it takes longer than any test should.
  bool RunToEnd(Task<void> task);
  // What comes up to the end of the stream, or of `size` bytes.
  std::string ReadAll(Stream& stream, IoResult& last, size_t size = SIZE_MAX);
  bool WriteAll(Stream& stream, std::string_view bytes);

  std::string At(const std::string& name) const { return folder_ + "/" + name; }
  void WriteFile(const std::string& name, const std::string& text) const;

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  bool over_tcp_ = false;  // connections over loopback, rather than between a pair of sockets
  std::string folder_;
  std::string errors_;
  std::string stat_prefix_ = "tls_test.";
  SecretLookup find_secret_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  TestCertificate authority_;
  TestCertificate server_certificate_;
};

Task<void> ShakeHands(TlsStream& stream, TlsHandshakeResult& result);
uint64_t StatOf(const std::string& name);

}  // namespace narthex
