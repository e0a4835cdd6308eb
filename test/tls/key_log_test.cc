#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "source/net/owned_fd.h"
#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class KeyLogTest : public TlsRig {
 protected:
  KeyLogTest() { over_tcp_ = true; }

  std::shared_ptr<TlsContext> Logging(const std::string& ranges = {}) {
    return Server(ServerFields(Pair(server_certificate_), "  key_log: {path: " + At("keys") +
                                                              (ranges.empty() ? "" : ", ") + ranges + "}\n"));
  }
  std::string Logged() const {
    std::ifstream file(At("keys"));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
};

TEST_F(KeyLogTest, WritesTheSecretsOfConnections) {
  const auto server = Logging();
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_SAYS(errors_, "warning: common_tls_context.key_log: whoever reads \"" + At("keys") + "\" can read");
  struct stat info = {};
  EXPECT_NE(stat(At("keys").c_str(), &info), 0) << "to read a configuration writes nothing";
  EXPECT_TRUE(Connect(server, TrustingClient()).ok());
  ASSERT_EQ(stat(At("keys").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const std::string logged = Logged();
  for (const char* label : {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
                            "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "}) {
    EXPECT_SAYS(logged, label);
  }
  EXPECT_TRUE(logged.ends_with('\n'));
  EXPECT_TRUE(
      Connect(server, TrustingClient("  tls_params: {tls_maximum_protocol_version: TLSv1_2}\n")).ok());
  EXPECT_SAYS(Logged(), "\nCLIENT_RANDOM ");
}

TEST_F(KeyLogTest, KeepsToItsAddresses) {
  for (const char* ranges : {"local_address_range: [{address_prefix: 192.0.2.0, prefix_len: 24}]",
                             "remote_address_range: [{address_prefix: 192.0.2.0, prefix_len: 24}]"}) {
    EXPECT_TRUE(Connect(Logging(ranges), TrustingClient()).ok());
    EXPECT_EQ(Logged(), "") << ranges;
  }
  EXPECT_TRUE(Connect(Logging("local_address_range: [{address_prefix: 127.0.0.0, prefix_len: 8}], "
                              "remote_address_range: [{address_prefix: 192.0.2.0, prefix_len: 24}, "
                              "{address_prefix: 127.0.0.1, prefix_len: 32}]"),
                      TrustingClient())
                  .ok());
  EXPECT_NE(Logged(), "");
}

TEST_F(KeyLogTest, IsAClientsToo) {
  const auto client = TrustingClient("  key_log: {path: " + At("keys") + "}\n");
  EXPECT_TRUE(Connect(PlainServer(), client).ok());
  EXPECT_SAYS(Logged(), "CLIENT_TRAFFIC_SECRET_0 ");
}

// What has taken the file's place since is not waited for, and connections go on.
TEST_F(KeyLogTest, IsNotOpenedWhereItCannotBeAnyMore) {
  const auto one = Logging(), other = Logging();
  ASSERT_EQ(mkfifo(At("keys").c_str(), 0600), 0);
  EXPECT_TRUE(Connect(one, TrustingClient()).ok());
  const OwnedFd reader(open(At("keys").c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_TRUE(Connect(other, TrustingClient()).ok());
  char byte;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0) << "nobody has it open, and no secret is in it";
}

TEST_F(KeyLogTest, IsRefusedWhereItCannotBe) {
  EXPECT_EQ(Server(ServerFields(Pair(server_certificate_), "  key_log: {path: /nowhere/keys}\n")), nullptr);
  EXPECT_SAYS(errors_, "key_log.path: cannot open \"/nowhere/keys\": No such file or directory");
  ASSERT_EQ(mkfifo(At("pipe").c_str(), 0600), 0);
  for (const char* other : {"pipe", "."}) {
    EXPECT_EQ(Server(ServerFields(Pair(server_certificate_), "  key_log: {path: " + At(other) + "}\n")),
              nullptr);
    EXPECT_SAYS(errors_, "key_log.path: cannot open \"" + At(other) + "\": it is no regular file");
  }
  EXPECT_EQ(Logging("local_address_range: [{address_prefix: nothing, prefix_len: 8}]"), nullptr);
  EXPECT_SAYS(errors_, "key_log.local_address_range[0]: ");
}

}  // namespace
}  // namespace narthex
