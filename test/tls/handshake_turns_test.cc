#include <openssl/err.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

using Key = CertificateRequest::Key;

constexpr int kClients = 40;

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Task<void> Echo(TlsStream& stream) {
  while (true) {
    co_await stream.Readable();
    Buffer bytes;
    const IoResult got = stream.Read(bytes, 65536);
    if (got.kind == IoResult::Kind::kEnd || got.kind == IoResult::Kind::kError) co_return;
    while (!bytes.empty() && stream.Write(bytes).kind == IoResult::Kind::kWouldBlock) {
      co_await stream.Writable();
    }
  }
}

// Clients that all come at once, each with its ClientHello sent already.
class Crowd {
 public:
  Crowd() : context_(SSL_CTX_new(TLS_client_method())) {}
  ~Crowd() {
    for (const int fd : fds_) close(fd);
  }
  void Add(int fd) {
    fds_.push_back(fd);
    ssls_.emplace_back(SSL_new(context_.get()));
    SSL_set_fd(ssls_.back().get(), fd);
    SSL_connect(ssls_.back().get());
    ERR_clear_error();
  }
  // How many of them have been answered.
  int answered() const {
    char byte;
    return static_cast<int>(std::count_if(
        fds_.begin(), fds_.end(), [&](int fd) { return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1; }));
  }

 private:
  const SslCtxPtr context_;
  std::vector<SslPtr> ssls_;
  std::vector<int> fds_;
};

class HandshakeTurnsTest : public TlsRig {
 protected:
  // A server whose handshakes cost much, with a crowd before it.
  void StartCrowd() {
    const TestCertificate rsa({.common_name = "rsa", .key = Key::kRsa2048});
    server_ = Server(ServerFields(Pair(rsa)));
    ASSERT_NE(server_, nullptr) << errors_;
    results_.resize(kClients);
    for (int i = 0; i < kClients; ++i) {
      int fds[2];
      MakeSockets(fds);
      crowd_.Add(fds[1]);
      streams_.push_back(TlsStream::MakeServer(*loop_, fds[0], server_));
    }
    for (int i = 0; i < kClients; ++i) {
      tasks_.push_back(ShakeHands(*streams_[static_cast<size_t>(i)], results_[static_cast<size_t>(i)]));
      tasks_.back().Start();
    }
  }

  std::shared_ptr<TlsContext> server_;
  Crowd crowd_;
  std::vector<TlsHandshakeResult> results_;
  std::vector<std::unique_ptr<TlsStream>> streams_;
  std::vector<Task<void>> tasks_;
};

// In each turn of the loop a connection that is open is served, and at most one newcomer.
TEST_F(HandshakeTurnsTest, ServesOthersBetweenHandshakes) {
  Connection open = Connect(PlainServer(), TrustingClient());
  ASSERT_TRUE(open.ok());
  Task<void> echo = Echo(*open.server);
  echo.Start();
  StartCrowd();
  int before = crowd_.answered(), turns = 0;
  EXPECT_EQ(before, 0);
  double longest = 0, all = 0;
  while (before < kClients && turns < 10 * kClients) {
    Buffer request("x"), answer;
    ASSERT_EQ(open.client->Write(request).kind, IoResult::Kind::kDone);
    const double began = CpuSeconds();
    loop_->RunOnce();
    const double took = CpuSeconds() - began;
    longest = std::max(longest, took);
    all += took;
    const int now = crowd_.answered();
    EXPECT_LE(now, before + 1) << "in turn " << turns;
    before = now;
    ++turns;
    IoResult got;
    while ((got = open.client->Read(answer, 10)).kind == IoResult::Kind::kWouldBlock &&
           turns < 10 * kClients) {
      loop_->RunOnce();
      ++turns;
      before = crowd_.answered();
    }
    ASSERT_EQ(got.kind, IoResult::Kind::kDone);
  }
  EXPECT_EQ(before, kClients);
  // In CPU time, which says the same on a machine that is busy. Were they all done in one turn, these would
  // be about the same.
  EXPECT_LT(longest, all / 4);
}

// Who is in is not kept from the services by those who want to be let in.
TEST_F(HandshakeTurnsTest, AServicesHandshakeDoesNotWaitForTheCrowd) {
  const SslCtxPtr service_context(SSL_CTX_new(TLS_server_method()));
  ASSERT_TRUE(server_certificate_.UseIn(service_context.get()));
  int fds[2];
  MakeSockets(fds);
  const SslPtr service(SSL_new(service_context.get()));
  SSL_set_fd(service.get(), fds[1]);
  const auto stream = TlsStream::MakeClient(*loop_, fds[0], TrustingClient(), {});
  StartCrowd();
  TlsHandshakeResult result;
  Task<void> task = ShakeHands(*stream, result);
  task.Start();
  for (int turns = 0; turns < 4 * kClients && !task.done(); ++turns) {
    loop_->RunOnce();
    SSL_accept(service.get());
    ERR_clear_error();
  }
  EXPECT_TRUE(result.ok) << result.error;
  EXPECT_LE(crowd_.answered(), kClients / 4);
  close(fds[1]);
}

TEST_F(HandshakeTurnsTest, AreLeftByWhoIsCancelled) {
  StartCrowd();
  loop_->RunOnce();
  tasks_.clear();
  streams_.clear();
  const int answered = crowd_.answered();
  EXPECT_LE(answered, 1);
  for (int i = 0; i < 10; ++i) loop_->RunOnce();
}

}  // namespace
}  // namespace narthex
