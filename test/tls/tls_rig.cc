#include "test/tls/tls_rig.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/escape.h"
#include "source/coro/when.h"
#include "source/event/timeout.h"

namespace narthex {
namespace {

using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
using namespace std::chrono_literals;

Task<bool> Ended(Task<void> task) {
  co_await task;
  co_return true;
}

Task<void> Bounded(EventLoop& loop, Task<void> task, bool& ended) {
  ended = (co_await WithTimeout<bool>(loop, Ended(std::move(task)), 20s)).has_value();
  loop.Stop();
}

Task<void> Both(Task<void> one, Task<void> other) {
  std::vector<Task<bool>> tasks;
  tasks.push_back(Ended(std::move(one)));
  tasks.push_back(Ended(std::move(other)));
  co_await WhenAll<bool>(std::move(tasks));
}

Task<void> ReadLoop(Stream& stream, Buffer& into, IoResult& last, size_t size) {
  while (into.size() < size) {
    co_await stream.Readable();
    last = stream.Read(into, 65536);
    if (last.kind == IoResult::Kind::kEnd || last.kind == IoResult::Kind::kError) co_return;
  }
}

Task<void> WriteLoop(Stream& stream, Buffer& from, IoResult& last) {
  while ((last = stream.Write(from)).kind == IoResult::Kind::kWouldBlock) co_await stream.Writable();
}

}  // namespace

Task<void> ShakeHands(TlsStream& stream, TlsHandshakeResult& result) {
  result = co_await stream.Handshake();
  if (!result.ok) stream.ShutdownBoth();
}

uint64_t StatOf(const std::string& name) {
  return StatsStore::Process().ValueOf(name);
}

TlsRig::TlsRig()
    : authority_({.common_name = "authority", .authority = true}),
      server_certificate_({.common_name = "server", .names = {"DNS:server.example", "DNS:*.wild.example"}},
                          &authority_) {
  std::string name = testing::TempDir() + "/tls-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  folder_ = name;
}

TlsRig::~TlsRig() {
  std::filesystem::remove_all(folder_);
}

std::string TlsRig::Inline(const std::string& text) {
  std::string yaml = "{inline_string: \"";
  AppendJsonEscaped(yaml, text);
  return yaml + "\"}";
}

std::string TlsRig::Pair(const TestCertificate& certificate, const std::string& chain) {
  return "{certificate_chain: " + Inline(certificate.Pem() + chain) +
         ", private_key: " + Inline(certificate.KeyPem()) + "}";
}

std::string TlsRig::ServerFields(const std::string& certificates, const std::string& common,
                                 const std::string& more) {
  return "common_tls_context:\n  tls_certificates: [" + certificates + "]\n" + common + more;
}

std::string TlsRig::ClientFields(const std::string& common, const std::string& more) {
  return "common_tls_context:\n  alpn_protocols: []\n" + common + more;
}

std::shared_ptr<TlsContext> TlsRig::Server(const std::string& yaml) {
  DownstreamTlsContext config;
  ConfigDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<TlsContext> context;
  if (LoadString("server.yaml", yaml, config, document, diagnostics)) {
    context = CompileDownstreamTls(
        config, document.Root(), {diagnostics, stat_prefix_, find_secret_, ticket_keys_, document.origins()});
  }
  errors_ = diagnostics.ToText();
  return context;
}

std::shared_ptr<TlsContext> TlsRig::Client(const std::string& yaml) {
  UpstreamTlsContext config;
  ConfigDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<TlsContext> context;
  if (LoadString("client.yaml", yaml, config, document, diagnostics)) {
    context = CompileUpstreamTls(config, document.Root(),
                                 {diagnostics, stat_prefix_, find_secret_, nullptr, document.origins()});
  }
  errors_ = diagnostics.ToText();
  return context;
}

std::shared_ptr<TlsContext> TlsRig::TrustingClient(const std::string& common, const std::string& more) {
  return Client(
      ClientFields("  validation_context: {trusted_ca: " + Inline(authority_.Pem()) + "}\n" + common, more));
}

void TlsRig::MakeSockets(int fds[2]) {
  // What is written to the one is at the other at once.
  if (!over_tcp_) {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return;
  }
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  connect(fds[1], reinterpret_cast<sockaddr*>(&address), size);
  fds[0] = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listener);
  ASSERT_GE(fds[0], 0);
}

TlsRig::Connection TlsRig::Connect(const std::shared_ptr<TlsContext>& server,
                                   const std::shared_ptr<TlsContext>& client, TlsClientOptions options) {
  Connection connection;
  EXPECT_NE(server, nullptr) << errors_;
  EXPECT_NE(client, nullptr) << errors_;
  if (server == nullptr || client == nullptr) return connection;
  int fds[2];
  MakeSockets(fds);
  connection.server = TlsStream::MakeServer(*loop_, fds[0], server);
  connection.client = TlsStream::MakeClient(*loop_, fds[1], client, std::move(options));
  EXPECT_TRUE(RunToEnd(Both(ShakeHands(*connection.server, connection.server_result),
                            ShakeHands(*connection.client, connection.client_result))));
  return connection;
}

std::string TlsRig::CertificateFor(const std::shared_ptr<TlsContext>& server, const std::string& name,
                                   const std::string& client_common) {
  const Connection made = Connect(server, Client(ClientFields(client_common)), {.server_name = name});
  if (!made.ok()) return "no connection: " + made.client_result.error;
  EXPECT_EQ(made.server->Facts()->local->common_name, made.client->Facts()->peer()->common_name);
  return made.client->Facts()->peer()->common_name;
}

bool TlsRig::RunToEnd(Task<void> task) {
  bool ended = false;
  Task<void> bounded = Bounded(*loop_, std::move(task), ended);
  bounded.Start();
  loop_->Run();
  return ended;
}

std::string TlsRig::ReadAll(Stream& stream, IoResult& last, size_t size) {
  Buffer bytes;
  EXPECT_TRUE(RunToEnd(ReadLoop(stream, bytes, last, size)));
  return bytes.ToString();
}

bool TlsRig::WriteAll(Stream& stream, std::string_view bytes) {
  Buffer from(bytes);
  IoResult last;
  EXPECT_TRUE(RunToEnd(WriteLoop(stream, from, last)));
  return last.ok();
}

void TlsRig::WriteFile(const std::string& name, const std::string& text) const {
  std::ofstream(At(name), std::ios::binary) << text;
}

}  // namespace narthex
