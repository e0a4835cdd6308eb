#include "source/net/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "source/event/timeout.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kA = 1, kAaaa = 28;

// A name server on a loopback port, on the test's own loop. What it does not know does not exist.
class NameServer final : private IoHandler {
 public:
  explicit NameServer(EventLoop& loop) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t length = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    registration_ = loop.Register(fd_, *this);
  }
  ~NameServer() override {
    registration_.reset();
    close(fd_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void Add(const std::string& name, const std::string& ip, uint32_t ttl) {
    records_.insert({name, {ip, ttl}});
  }

  bool silent = false;
  int asked = 0;

 private:
  struct Record {
    std::string ip;
    uint32_t ttl;
  };

  void OnReady(IoReadiness) override {
    char packet[512];
    sockaddr_in peer;
    socklen_t length = sizeof peer;
    for (;;) {
      const ssize_t size =
          recvfrom(fd_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&peer), &length);
      if (size < 0) return;
      ++asked;
      if (silent) continue;
      const std::string reply = Answer(std::string(packet, static_cast<size_t>(size)));
      sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }

  // RFC 1035 section 4: the header and the question come back, the answers follow with a pointer to the name.
  std::string Answer(const std::string& query) const {
    size_t at = 12;
    std::string name;
    while (query[at] != 0) {
      const auto label = static_cast<size_t>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, label);
      at += 1 + label;
    }
    const auto type = static_cast<uint16_t>(query[at + 1] << 8 | query[at + 2]);
    std::string answers;
    char count = 0;
    const auto [first, last] = records_.equal_range(name);
    for (auto record = first; record != last; ++record) {
      const bool v6 = record->second.ip.find(':') != std::string::npos;
      if (type != (v6 ? kAaaa : kA)) continue;
      char bytes[16];
      inet_pton(v6 ? AF_INET6 : AF_INET, record->second.ip.c_str(), bytes);
      const uint32_t ttl = htonl(record->second.ttl);
      answers += std::string("\xC0\x0C\x00", 3) + static_cast<char>(type) + std::string("\x00\x01", 2);
      answers += std::string(reinterpret_cast<const char*>(&ttl), 4) + '\0' + static_cast<char>(v6 ? 16 : 4);
      answers += std::string(bytes, v6 ? 16 : 4);
      ++count;
    }
    std::string reply = query.substr(0, 2) + '\x81' + (records_.contains(name) ? '\x80' : '\x83');
    reply += std::string("\x00\x01\x00", 3) + count + std::string(4, '\0');
    return reply + query.substr(12, at + 5 - 12) + answers;
  }

  int fd_;
  uint16_t port_ = 0;
  std::multimap<std::string, Record> records_;
  std::unique_ptr<IoRegistration> registration_;
};

class DnsTest : public testing::Test {
 protected:
  void SetUp() override {
    DnsResolverOptions options;
    options.servers = {server_.address()};
    options.search_domains = false;
    options.query_timeout = 50ms;
    options.tries = 1;
    auto made = MakeDnsResolver(*loop_, options);
    ASSERT_TRUE(made.ok()) << made.status();
    resolver_ = *std::move(made);
  }

  static Task<void> Run(Task<DnsResult> task, EventLoop* loop, std::optional<DnsResult>* result) {
    *result = co_await task;
    loop->Stop();
  }
  static Task<void> GiveUp(EventLoop* loop) {
    co_await Sleep(*loop, 10s);
    loop->Stop();
  }

  // The addresses, with a space between, or the error.
  std::string Resolve(std::string name, DnsFamily family) {
    std::optional<DnsResult> result;
    Task<void> task = Run(resolver_->Resolve(std::move(name), family), loop_.get(), &result);
    Task<void> bound = GiveUp(loop_.get());
    task.Start();
    bound.Start();
    loop_->Run();
    if (!result.has_value()) return "no answer";
    if (!result->ok())
      return std::string(result->status().message().data(), result->status().message().size());
    ttl_ = (*result)->ttl;
    std::string text;
    for (const Address& address : (*result)->addresses)
      text += (text.empty() ? "" : " ") + address.IpString();
    return text;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  NameServer server_{*loop_};
  std::unique_ptr<DnsResolver> resolver_;
  std::chrono::seconds ttl_{0};
};

TEST_F(DnsTest, FindsAllAddressesAndTheirShortestTtl) {
  server_.Add("products.test", "10.0.0.2", 60);
  server_.Add("products.test", "10.0.0.1", 30);
  server_.Add("products.test", "10.0.0.1", 30);
  EXPECT_EQ(Resolve("products.test", DnsFamily::kV4Only), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(ttl_, 30s);
}

TEST_F(DnsTest, FollowsTheFamilyThatIsWanted) {
  server_.Add("both.test", "10.0.0.1", 1);
  server_.Add("both.test", "fd00::1", 1);
  server_.Add("four.test", "10.0.0.4", 1);
  server_.Add("six.test", "fd00::6", 1);
  EXPECT_EQ(Resolve("both.test", DnsFamily::kAuto), "fd00::1");
  EXPECT_EQ(Resolve("both.test", DnsFamily::kV4Preferred), "10.0.0.1");
  EXPECT_EQ(Resolve("both.test", DnsFamily::kV4Only), "10.0.0.1");
  EXPECT_EQ(Resolve("both.test", DnsFamily::kV6Only), "fd00::1");
  EXPECT_EQ(Resolve("both.test", DnsFamily::kAll), "10.0.0.1 fd00::1");
  EXPECT_EQ(Resolve("four.test", DnsFamily::kAuto), "10.0.0.4");
  EXPECT_EQ(Resolve("six.test", DnsFamily::kV4Preferred), "fd00::6");
  EXPECT_NE(Resolve("four.test", DnsFamily::kV6Only).find("four.test: "), std::string::npos);
}

TEST_F(DnsTest, SaysThatANameDoesNotExist) {
  EXPECT_EQ(Resolve("nowhere.test", DnsFamily::kAuto), "nowhere.test: Domain name not found");
}

TEST_F(DnsTest, SaysThatTheServerDoesNotAnswer) {
  server_.silent = true;
  EXPECT_EQ(Resolve("products.test", DnsFamily::kV4Only),
            "products.test: Timeout while contacting DNS servers");
  EXPECT_EQ(server_.asked, 1);
}

TEST_F(DnsTest, KnowsLocalhostAndAddressesWithoutAsking) {
  EXPECT_EQ(Resolve("localhost", DnsFamily::kV4Only), "127.0.0.1");
  EXPECT_EQ(Resolve("192.0.2.7", DnsFamily::kV4Only), "192.0.2.7");
  EXPECT_EQ(server_.asked, 0);
}

TEST_F(DnsTest, ALookupThatIsAbandonedDoesNoHarm) {
  server_.silent = true;
  std::optional<DnsResult> result;
  {
    Task<void> task = Run(resolver_->Resolve("slow.test", DnsFamily::kV4Only), loop_.get(), &result);
    task.Start();
    loop_->RunOnce();
  }
  server_.silent = false;
  server_.Add("quick.test", "10.0.0.9", 1);
  EXPECT_EQ(Resolve("quick.test", DnsFamily::kV4Only), "10.0.0.9");
  EXPECT_FALSE(result.has_value());
}

TEST_F(DnsTest, AResolverMayGoWhileTheServerIsStillAsked) {
  server_.silent = true;
  std::optional<DnsResult> result;
  {
    Task<void> task = Run(resolver_->Resolve("slow.test", DnsFamily::kV4Only), loop_.get(), &result);
    task.Start();
    loop_->RunOnce();
  }
  resolver_.reset();
  loop_->RunOnce();
  EXPECT_FALSE(result.has_value());
}

TEST_F(DnsTest, ManyLookupsAtOnceAreAllAnswered) {
  constexpr int kLookups = 200;
  std::vector<std::optional<DnsResult>> results(kLookups);
  std::vector<Task<void>> tasks;
  for (int i = 0; i < kLookups; ++i) {
    const std::string name = "host" + std::to_string(i) + ".test";
    server_.Add(name, "10.0.1." + std::to_string(i), 1);
    tasks.push_back(
        Run(resolver_->Resolve(name, DnsFamily::kV4Only), loop_.get(), &results[static_cast<size_t>(i)]));
    tasks.back().Start();
  }
  server_.Add("last.test", "10.0.0.1", 1);
  const auto answered = [&] {
    return std::all_of(results.begin(), results.end(), [](const auto& result) { return result.has_value(); });
  };
  Task<void> bound = GiveUp(loop_.get());
  bound.Start();
  for (int turn = 0; turn < kLookups && !answered(); ++turn) loop_->Run();
  ASSERT_TRUE(answered());
  for (const auto& result : results) EXPECT_TRUE(result->ok()) << result->status();
}

TEST(Dns, RefusesAServerThatIsNoAddress) {
  const std::unique_ptr<EventLoop> loop = EventLoop::Make();
  DnsResolverOptions options;
  options.servers = {"not an address"};
  EXPECT_FALSE(MakeDnsResolver(*loop, options).ok());
}

}  // namespace
}  // namespace narthex
